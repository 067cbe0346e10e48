using System.Text.Json;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Cli.Servers;
using Caracal.Stack;

namespace Caracal.Sdk.Tests.Stacks;

/// <summary>A real stack with a zone, an application, a resource and a policy.</summary>
public abstract class GovernedStack : IAsyncLifetime
{
    public const string Resource = "resource://pipernet";
    public const string Read = "pipernet:read";
    public const string Write = "pipernet:write";

    /// <summary>A person has to approve it.</summary>
    public const string Danger = "pipernet:danger";

    private WireClient _wire = null!;

    public RecordingUpstream Upstream { get; private set; } = null!;

    public string ZoneId { get; private set; } = "";

    public string ApplicationId { get; private set; } = "";

    public string ClientSecret { get; private set; } = "";

    internal WireEndpoints Endpoints => _wire.Endpoints;

    public abstract string AdminToken { get; }

    public string ApiUrl => _wire.Endpoints.Api;

    public CaracalOptions Options => new()
    {
        ZoneId = ZoneId,
        ApplicationId = ApplicationId,
        ClientSecret = ClientSecret,
        StsUrl = _wire.Endpoints.Sts,
        CoordinatorUrl = _wire.Endpoints.Coordinator,
        GatewayUrl = _wire.Endpoints.Gateway,
        Resources = [new ResourceBinding(Resource, "https://api.pipernet.example/v1")],
    };

    public CaracalClient NewClient(Func<CaracalOptions, CaracalOptions>? change = null) => CaracalClient.FromOptions(change?.Invoke(Options) ?? Options);

    /// <summary>Approves or rejects as an operator.</summary>
    public async Task DecideAsync(string approvalId, bool approve) =>
        (await _wire.ApiAsync(HttpMethod.Post, $"/v1/zones/{ZoneId}/approvals/{approvalId}/{(approve ? "approve" : "reject")}", AdminToken, "{}", default)).Require("decision");

    /// <summary>Status of every Session of the application.</summary>
    public async Task<IReadOnlyList<(string Id, string Status)>> SessionsAsync()
    {
        var answer = (await _wire.ApiAsync(HttpMethod.Get, $"/v1/zones/{ZoneId}/sessions?limit=200", AdminToken, null, default)).Require("sessions");
        return [.. answer.Body.GetProperty("items").EnumerateArray().Select(item => (item.GetProperty("session_id").GetString()!, item.GetProperty("status").GetString()!))];
    }

    public async ValueTask InitializeAsync()
    {
        Upstream = await RecordingUpstream.StartAsync();
        _wire = new WireClient(await StartAsync());
        var zone = (await PostAsync("/v1/zones", new { name = "Pied Piper" }))["id"];
        var prefix = $"/v1/zones/{zone}";
        var application = await PostAsync($"{prefix}/applications", new { name = "assistant", registration_method = "managed" });
        var provider = await PostAsync($"{prefix}/providers", new { name = "key", kind = "api_key", config_json = new { header_name = "X-Api-Key", api_key = "upstream-key" } });
        await PostAsync($"{prefix}/resources", new
        {
            name = "PiperNet",
            identifier = Resource,
            upstream_url = Upstream.Url,
            scopes = (string[])[Read, Write, Danger],
            credential_provider_id = provider["id"],
            operation_enforcement = "transport_uniform",
        });
        (ZoneId, ApplicationId, ClientSecret) = (zone, application["id"], application["client_secret"]);
        await ActivateAsync(prefix);
    }

    public async ValueTask DisposeAsync()
    {
        _wire?.Dispose();
        await StopAsync();
        if (Upstream is not null) await Upstream.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<WireEndpoints> StartAsync();

    protected abstract ValueTask StopAsync();

    private async Task ActivateAsync(string prefix)
    {
        var grants = new Dictionary<string, object>
        {
            [Resource] = new { application = "assistant", roles = new Dictionary<string, string[]> { ["agent"] = [Read, Write, Danger], [ApplicationId] = [Read, Write, Danger] } },
        };
        var content = $$"""
            # caracal:data-document
            package caracal.authz
            import rego.v1
            app_ids := {{JsonSerializer.Serialize(new { assistant = ApplicationId })}}
            grants := {{JsonSerializer.Serialize(grants)}}
            risk := [{"scope": "{{Danger}}", "tier": "high"}]
            approval_tiers := [{"tier": "high", "ttl_seconds": 600}]

            """;
        var policy = await PostAsync($"{prefix}/policies", new { name = "grants", content });
        var set = await PostAsync($"{prefix}/policy-sets", new { name = "main" });
        var version = await PostAsync($"{prefix}/policy-sets/{set["id"]}/versions", new { manifest = new[] { new { policy_version_id = policy["version_id"] } } });
        var activation = await PostAsync($"{prefix}/policy-sets/{set["id"]}/activate", new { version_id = version["version_id"] });
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while ((await _wire.ApiAsync(HttpMethod.Get, activation["status_url"], AdminToken, null, limit.Token)).Require("activation")["propagation_status"] != "loaded")
        {
            await Task.Delay(20, limit.Token);
        }
    }

    private async Task<WireAnswer> PostAsync(string path, object body) =>
        (await _wire.ApiAsync(HttpMethod.Post, path, AdminToken, JsonSerializer.Serialize(body), default)).Require("POST " + path);
}

/// <summary>Everything in this process on the embedded store.</summary>
public sealed class EmbeddedStack : GovernedStack
{
    private PrivateStack _files = null!;
    private CaracalStack _stack = null!;

    public override string AdminToken => _files.AdminToken;

    private protected override async Task<WireEndpoints> StartAsync()
    {
        _files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        _stack = await CaracalStack.StartAsync(new StackOptions { Variables = _files.Variables, DataDirectory = _files.Data, Log = TextWriter.Null }, default);
        return WireEndpoints.From(_stack.Urls);
    }

    protected override async ValueTask StopAsync()
    {
        await _stack.DisposeAsync();
        _files.Dispose();
    }
}

/// <summary>A process per service over PostgreSQL and Redis, started once for all its tests.</summary>
public sealed class SeparateStack : GovernedStack
{
    public const string Shared = "a process per service";

    private LocalFleet _fleet = null!;

    public override string AdminToken => _fleet.Files.AdminToken;

    private protected override async Task<WireEndpoints> StartAsync()
    {
        _fleet = await LocalFleet.StartAsync(replicas: 1, new Dictionary<string, string?>(), default);
        return _fleet.Endpoints(0);
    }

    protected override ValueTask StopAsync() => _fleet.DisposeAsync();
}

[CollectionDefinition(SeparateStack.Shared)]
public sealed class SharesSeparateStack : ICollectionFixture<SeparateStack>;
