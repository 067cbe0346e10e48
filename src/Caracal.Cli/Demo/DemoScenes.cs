using System.Diagnostics;
using Caracal.Cli.Client;

namespace Caracal.Cli.Demo;

/// <summary>What an operator of the system holds.</summary>
/// <param name="Admin">Sets zones up and reads their evidence.</param>
/// <param name="Coordinator">Ends Sessions.</param>
internal sealed record OperatorTokens(string Admin, string Coordinator);

/// <summary>The calls of the demo, in the order in which they are told.</summary>
internal sealed class DemoScenes(WireClient client, LoopbackUpstream upstream, DemoReport report, OperatorTokens tokens)
{
    private const string ApiKey = "piper-key-that-no-agent-ever-sees";
    private const string ReadScope = "pipernet:read";
    private const string WriteScope = "pipernet:write";
    private static readonly TimeSpan RevocationTime = TimeSpan.FromSeconds(1);

    public async Task PlayAsync(CancellationToken stop)
    {
        var zone = await GovernedZone.CreateAsync(client, tokens.Admin, Blueprint("Pied Piper"), stop);
        var application = new AgentApplication(client, zone);
        var agent = await application.ProvisionAsync([ReadScope, WriteScope], depth: 3, stop);

        await AllowedAsync(application, agent, stop);
        await OutsideOperationsAsync(application, agent, stop);
        await ReplayedAsync(application, agent, stop);
        await DelegatedAsync(application, agent, stop);
        await RevokedAsync(application, stop);
        await WithoutPolicyAsync(stop);
    }

    private ZoneBlueprint Blueprint(string name) => new() { Name = name, UpstreamUrl = upstream.Url, ApiKey = ApiKey };

    private async Task AllowedAsync(AgentApplication application, AgentAuthority agent, CancellationToken stop)
    {
        var answer = await CallAsync(application, await MintAsync(application, agent, ReadScope, stop), "/reports", stop);
        await report.AddAsync("GET /reports", application.Zone.ZoneId, answer, Expected.Forwarded, stop);
        var seen = upstream.Seen is [.., var last] ? last : null;
        report.Require(seen?.ApiKey == ApiKey, "the upstream did not see the injected credential");
        report.Require(seen is { SawMandate: false }, "the upstream saw the mandate");
        report.Add("  seen by the upstream", "checked", "the injected credential, and no mandate", "-", true);
    }

    private async Task OutsideOperationsAsync(AgentApplication application, AgentAuthority agent, CancellationToken stop)
    {
        var before = upstream.Seen.Count;
        var answer = await CallAsync(application, await MintAsync(application, agent, ReadScope, stop), "/secrets", stop);
        await report.AddAsync(
            "GET /secrets (no such operation)", application.Zone.ZoneId, answer, new Expected(403, "operation_not_permitted"), stop);
        report.Require(upstream.Seen.Count == before, "a call outside the operation list reached the upstream");
    }

    private async Task ReplayedAsync(AgentApplication application, AgentAuthority agent, CancellationToken stop)
    {
        var mandate = await MintAsync(application, agent, ReadScope, stop);
        var first = await CallAsync(application, mandate, "/reports", stop);
        await report.AddAsync("GET /reports, fresh mandate", application.Zone.ZoneId, first, Expected.Forwarded, stop);
        var second = await CallAsync(application, mandate, "/reports", stop);
        await report.AddAsync(
            "GET /reports, same mandate again", application.Zone.ZoneId, second, new Expected(401, "invalid_token", "replay"), stop);
    }

    private async Task DelegatedAsync(AgentApplication application, AgentAuthority agent, CancellationToken stop)
    {
        var child = await application.DelegateToChildAsync(agent, [ReadScope], depth: 2, stop);
        var within = await CallAsync(application, await MintAsync(application, child, ReadScope, stop), "/reports", stop);
        await report.AddAsync("child: GET /reports, within its part", application.Zone.ZoneId, within, Expected.Forwarded, stop);

        var beyond = await application.MintAsync(child, WriteScope, stop);
        await report.AddAsync(
            "child: asks for write", application.Zone.ZoneId, beyond, new Expected(403, "access_denied", "delegation_scope_exceeded"), stop);
    }

    private async Task RevokedAsync(AgentApplication application, CancellationToken stop)
    {
        var doomed = await application.ProvisionAsync([ReadScope], depth: 1, stop);
        var mandates = new Queue<string>();
        while (mandates.Count < 20) mandates.Enqueue(await MintAsync(application, doomed, ReadScope, stop));

        (await client.CoordinatorAsync(
            HttpMethod.Delete, $"/zones/{application.Zone.ZoneId}/agents/{doomed.SessionId}", tokens.Coordinator, null, stop)).Require("termination");
        var since = Stopwatch.StartNew();
        WireAnswer answer;
        do
        {
            answer = await CallAsync(application, mandates.Dequeue(), "/reports", stop);
            if (answer.Status == 401) break;
            await Task.Delay(20, stop);
        }
        while (since.Elapsed < RevocationTime && mandates.Count > 0);

        await report.AddAsync(
            "GET /reports after the session ended", application.Zone.ZoneId, answer, new Expected(401, "invalid_token", "session revoked"), stop);
        report.Require(since.Elapsed < RevocationTime, $"the revocation took {since.Elapsed.TotalMilliseconds:0} ms");
    }

    private async Task WithoutPolicyAsync(CancellationToken stop)
    {
        var zone = await GovernedZone.CreateAsync(client, tokens.Admin, Blueprint("Hooli") with { ActivatePolicy = false }, stop);
        var answer = await new AgentApplication(client, zone).MintLifecycleAsync(stop);
        await report.AddAsync(
            "mint in a zone without a policy", zone.ZoneId, answer, new Expected(403, "access_denied", "no_active_policy_set"), stop);
    }

    private static async Task<string> MintAsync(AgentApplication application, AgentAuthority agent, string scope, CancellationToken stop) =>
        (await application.MintAsync(agent, scope, stop)).Require("mint")["access_token"];

    private Task<WireAnswer> CallAsync(AgentApplication application, string mandate, string path, CancellationToken stop) =>
        client.GovernedAsync(HttpMethod.Get, path, mandate, application.Zone.Blueprint.Resource, stop);
}
