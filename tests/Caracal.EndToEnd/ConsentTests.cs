using System.Text.Json;
using Caracal.Cli.Bench;
using Caracal.Cli.Client;

namespace Caracal.EndToEnd;

/// <summary>A delegation to another application is an offer; only who it was made to can take it (coordinator.md 8).</summary>
public sealed class ConsentTests
{
    [Fact]
    public async Task Only_the_receivers_own_session_takes_what_another_application_offered()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, stop);
        await using var stack = await BenchStack.StartAsync(null, stop);
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var issuer = await GovernedZone.CreateAsync(
            wire, stack.AdminToken, new ZoneBlueprint { Name = "consent", UpstreamUrl = upstream.Url, ApiKey = "key", ActivatePolicy = false }, stop);
        var admin = new Administrator(wire, stack.AdminToken, issuer.ZoneId, stop);
        var receiver = await admin.RegisterAsync(issuer, "receiver");
        var stranger = await admin.RegisterAsync(issuer, "stranger");
        // Policy lets each of them do the same, so that it is the delegation alone that refuses.
        await admin.ActivateAsync(
            $$"""
            # caracal:data-document
            package caracal.authz
            import rego.v1
            app_ids := {"issuer": "{{issuer.ApplicationId}}", "receiver": "{{receiver.ApplicationId}}", "stranger": "{{stranger.ApplicationId}}"}
            grants := {"{{issuer.Blueprint.Resource}}": {
              "application": [key | some key, id in app_ids; id == input.principal.id][0],
              "roles": {"agent": ["pipernet:read", "pipernet:write"]},
            } }

            """);
        var (offering, taking, watching) = (new AgentApplication(wire, issuer), new AgentApplication(wire, receiver), new AgentApplication(wire, stranger));
        var (source, target) = (await StartAsync(offering, issuer), await StartAsync(taking, receiver));
        var offer = await PostAsync(offering, "delegations", new
        {
            issuer_application_id = issuer.ApplicationId,
            receiver_application_id = receiver.ApplicationId,
            source_session_id = source,
            target_session_id = target,
            scopes = new[] { "pipernet:read" },
            constraints = new { resources = new[] { issuer.Blueprint.Resource }, max_depth = 1 },
            ttl_seconds = 900,
        });
        var edge = offer["delegation_edge_id"];

        // Whoever is not the receiver, in the Session it was made to, gets nothing out of it.
        await RefusedAsync(offering, new AgentAuthority(source, edge), "pipernet:read");
        await RefusedAsync(offering, new AgentAuthority(target, edge), "pipernet:read");
        await RefusedAsync(watching, new AgentAuthority(await StartAsync(watching, stranger), edge), "pipernet:read");
        await RefusedAsync(watching, new AgentAuthority(target, edge), "pipernet:read");
        await RefusedAsync(taking, new AgentAuthority(await StartAsync(taking, receiver), edge), "pipernet:read");
        await RefusedAsync(taking, new AgentAuthority(target, edge), "pipernet:write");

        var mandate = (await taking.MintAsync(new AgentAuthority(target, edge), "pipernet:read", stop)).Require("mint")["access_token"];
        Assert.Equal(200, (await wire.GovernedAsync(HttpMethod.Get, "/reports", mandate, issuer.Blueprint.Resource, stop)).Status);

        // A stranger cannot take it back; the issuer can.
        Assert.Equal(403, (await RevokeAsync(watching)).Status);
        (await RevokeAsync(offering)).Require("revoke");
        await RefusedAsync(taking, new AgentAuthority(target, edge), "pipernet:read");

        async Task RefusedAsync(AgentApplication application, AgentAuthority authority, string scope)
        {
            var answer = await application.MintAsync(authority, scope, stop);
            Assert.True(answer.Status is 401 or 403, $"{answer.Status} {answer["error_description"]}");
        }

        async Task<WireAnswer> RevokeAsync(AgentApplication application) => await wire.CoordinatorAsync(
            HttpMethod.Patch, $"/zones/{issuer.ZoneId}/delegations/{edge}/revoke", await application.LifecycleAsync(stop), "{}", stop);

        async Task<string> StartAsync(AgentApplication application, GovernedZone zone) => (await PostAsync(
            application, "agents", new { application_id = zone.ApplicationId, labels = new[] { "agent" }, ttl_seconds = 1020 }))["agent_session_id"];

        async Task<WireAnswer> PostAsync(AgentApplication application, string what, object body) => (await wire.CoordinatorAsync(
            HttpMethod.Post, $"/zones/{issuer.ZoneId}/{what}", await application.LifecycleAsync(stop), JsonSerializer.Serialize(body), stop)).Require(what);
    }

    private sealed class Administrator(WireClient wire, string token, string zone, CancellationToken stop)
    {
        public async Task<GovernedZone> RegisterAsync(GovernedZone beside, string name)
        {
            var created = await PostAsync("applications", new { name, registration_method = "managed" });
            return beside with { ApplicationId = created["id"], ClientSecret = created["client_secret"] };
        }

        public async Task ActivateAsync(string document)
        {
            var policy = await PostAsync("policies", new { name = "grants", content = document });
            var set = await PostAsync("policy-sets", new { name = "main" });
            var version = await PostAsync($"policy-sets/{set["id"]}/versions", new { manifest = new[] { new { policy_version_id = policy["version_id"] } } });
            var activation = await PostAsync($"policy-sets/{set["id"]}/activate", new { version_id = version["version_id"] });
            while ((await wire.ApiAsync(HttpMethod.Get, activation["status_url"], token, null, stop)).Require("status")["propagation_status"] != "loaded")
            {
                await Task.Delay(20, stop);
            }
        }

        private async Task<WireAnswer> PostAsync(string path, object body) =>
            (await wire.ApiAsync(HttpMethod.Post, $"/v1/zones/{zone}/{path}", token, JsonSerializer.Serialize(body), stop)).Require(path);
    }
}
