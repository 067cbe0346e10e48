using System.Text.Json;
using Caracal.Cli.Bench;
using Caracal.Cli.Client;

namespace Caracal.EndToEnd;

/// <summary>A delegation's budget, spent by governed calls through a real stack.</summary>
public sealed class BudgetTests
{
    [Fact]
    public async Task Calls_spend_every_budget_above_them_and_get_back_what_never_left()
    {
        var stop = TestContext.Current.CancellationToken;
        var upstream = await LoopbackUpstream.StartAsync(remember: false, stop);
        try
        {
            await using var stack = await BenchStack.StartAsync(null, stop);
            using var wire = new WireClient(WireEndpoints.From(stack.Urls));
            var zone = await GovernedZone.CreateAsync(
                wire, stack.AdminToken, new ZoneBlueprint { Name = "budgets", UpstreamUrl = upstream.Url, ApiKey = "key" }, stop);
            var agents = new Agents(wire, zone, new AgentApplication(wire, zone), stop);
            var (a, b, c) = (await agents.StartAsync(), await agents.StartAsync(), await agents.StartAsync());
            var root = await agents.DelegateAsync(a, b, 960, depth: 2, budget: 4);
            var child = await agents.DelegateAsync(b, c, 930, depth: 1, budget: 2);

            Assert.Equal(200, await agents.CallAsync(child));
            Assert.Equal(200, await agents.CallAsync(child));
            Assert.Equal(403, await agents.CallAsync(child));
            Assert.Equal("delegation_budget_exhausted", agents.LastError);
            Assert.Equal((2, 2), (await agents.SpentAsync(root), await agents.SpentAsync(child)));
            Assert.Equal(200, await agents.CallAsync(root));

            // Nobody listens: the call comes back, and so does its use.
            await upstream.DisposeAsync();
            Assert.Equal(502, await agents.CallAsync(root));
            Assert.Equal((3, 2), (await agents.SpentAsync(root), await agents.SpentAsync(child)));
        }
        finally
        {
            await upstream.DisposeAsync();
        }
    }

    private sealed class Agents(WireClient wire, GovernedZone zone, AgentApplication application, CancellationToken stop)
    {
        public string LastError { get; private set; } = "";

        public async Task<string> StartAsync() =>
            (await PostAsync("agents", new { application_id = zone.ApplicationId, labels = new[] { zone.Blueprint.Role }, ttl_seconds = 1020 }))["agent_session_id"];

        public async Task<AgentAuthority> DelegateAsync(string source, string target, int seconds, int depth, int budget) => new(
            target,
            (await PostAsync("delegations", new
            {
                issuer_application_id = zone.ApplicationId,
                receiver_application_id = zone.ApplicationId,
                source_session_id = source,
                target_session_id = target,
                scopes = zone.Blueprint.Scopes,
                constraints = new { resources = new[] { zone.Blueprint.Resource }, max_depth = depth },
                ttl_seconds = seconds,
                budget = new { calls = budget },
            }))["delegation_edge_id"]);

        public async Task<int> CallAsync(AgentAuthority authority)
        {
            var mandate = (await application.MintAsync(authority, zone.Blueprint.Scopes[0], stop)).Require("mint");
            var answer = await wire.GovernedAsync(HttpMethod.Get, "/reports", mandate["access_token"], zone.Blueprint.Resource, stop);
            LastError = answer["error"];
            return answer.Status;
        }

        public async Task<int> SpentAsync(AgentAuthority authority)
        {
            var answer = await wire.CoordinatorAsync(
                HttpMethod.Get, $"/zones/{zone.ZoneId}/delegations/inbound/{authority.SessionId}/{authority.DelegationId}",
                await application.LifecycleAsync(stop), null, stop);
            return answer.Require("read").Body.GetProperty("budget").GetProperty("spent").GetInt32();
        }

        private async Task<WireAnswer> PostAsync(string what, object body) =>
            (await wire.CoordinatorAsync(
                HttpMethod.Post, $"/zones/{zone.ZoneId}/{what}", await application.LifecycleAsync(stop), JsonSerializer.Serialize(body), stop)).Require(what);
    }
}
