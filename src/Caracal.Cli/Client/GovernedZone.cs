using System.Text.Json;

namespace Caracal.Cli.Client;

/// <summary>What a zone is set up with.</summary>
internal sealed record ZoneBlueprint
{
    public required string Name { get; init; }
    public required string UpstreamUrl { get; init; }

    /// <summary>Credential of the upstream; sent as <c>X-Api-Key</c>.</summary>
    public required string ApiKey { get; init; }

    public string Resource { get; init; } = "resource://pipernet";
    public IReadOnlyList<string> Scopes { get; init; } = ["pipernet:read", "pipernet:write"];

    /// <summary>Label of the role that holds all scopes.</summary>
    public string Role { get; init; } = "agent";

    public bool ActivatePolicy { get; init; } = true;
}

/// <summary>A zone an administrator has set up: application, provider, resource and, unless left out, an active policy.</summary>
internal sealed record GovernedZone(string ZoneId, string ApplicationId, string ClientSecret, ZoneBlueprint Blueprint)
{
    private static readonly TimeSpan ActivationTime = TimeSpan.FromSeconds(60);

    /// <summary>Sets the zone up over the control plane's API.</summary>
    public static async Task<GovernedZone> CreateAsync(WireClient client, string adminToken, ZoneBlueprint blueprint, CancellationToken stop)
    {
        var zone = (await Post("/v1/zones", new { name = blueprint.Name }))["id"];
        var prefix = $"/v1/zones/{zone}";
        var application = await Post($"{prefix}/applications", new { name = "assistant", registration_method = "managed" });
        var provider = await Post($"{prefix}/providers", new
        {
            name = "PiperNet key",
            kind = "api_key",
            config_json = new { header_name = "X-Api-Key", api_key = blueprint.ApiKey },
        });
        await Post($"{prefix}/resources", new
        {
            name = "PiperNet",
            identifier = blueprint.Resource,
            upstream_url = blueprint.UpstreamUrl,
            scopes = blueprint.Scopes,
            credential_provider_id = provider["id"],
            operations = new[]
            {
                new { method = "GET", path = "/reports", scope = blueprint.Scopes[0] },
                new { method = "POST", path = "/reports", scope = blueprint.Scopes[1] },
            },
        });
        var created = new GovernedZone(zone, application["id"], application["client_secret"], blueprint);
        if (blueprint.ActivatePolicy) await created.ActivatePolicyAsync(client, adminToken, stop);
        return created;

        async Task<WireAnswer> Post(string path, object body) =>
            (await client.ApiAsync(HttpMethod.Post, path, adminToken, JsonSerializer.Serialize(body), stop)).Require("POST " + path);
    }

    /// <summary>Writes the grants document, activates it and waits until the STS decides by it.</summary>
    private async Task ActivatePolicyAsync(WireClient client, string adminToken, CancellationToken stop)
    {
        var prefix = $"/v1/zones/{ZoneId}";
        var policy = await Post($"{prefix}/policies", new { name = "grants", content = GrantsDocument() });
        var set = await Post($"{prefix}/policy-sets", new { name = "main" });
        var version = await Post(
            $"{prefix}/policy-sets/{set["id"]}/versions", new { manifest = new[] { new { policy_version_id = policy["version_id"] } } });
        var activation = await Post($"{prefix}/policy-sets/{set["id"]}/activate", new { version_id = version["version_id"] });

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(ActivationTime);
        while (true)
        {
            var status = await client.ApiAsync(HttpMethod.Get, activation["status_url"], adminToken, null, limit.Token);
            if (status.Require("activation status")["propagation_status"] == "loaded") return;
            await Task.Delay(20, limit.Token);
        }

        async Task<WireAnswer> Post(string path, object body) =>
            (await client.ApiAsync(HttpMethod.Post, path, adminToken, JsonSerializer.Serialize(body), stop)).Require("POST " + path);
    }

    private string GrantsDocument()
    {
        var grants = new Dictionary<string, object>
        {
            [Blueprint.Resource] = new
            {
                application = "assistant",
                roles = new Dictionary<string, IReadOnlyList<string>> { [Blueprint.Role] = Blueprint.Scopes },
            },
        };
        return $"""
            # caracal:data-document
            package caracal.authz
            import rego.v1
            app_ids := {JsonSerializer.Serialize(new { assistant = ApplicationId })}
            grants := {JsonSerializer.Serialize(grants)}

            """;
    }
}
