using System.Diagnostics;
using Caracal.Cli.Client;

namespace Caracal.EndToEnd.Drills;

[Collection(DrillCollection.Name)]
public sealed class RevocationTimeTests(DrillFleet fleet)
{
    private const int Revocations = 200;
    private const int AtOnce = 4;

    [Fact]
    [Trait("requirement", "R79")]
    [Trait("requirement", "R108")]
    public async Task Two_gateways_deny_within_a_second_of_the_revocation_under_load()
    {
        await using var load = await GovernedLoad.StartAsync(fleet);
        var took = new List<(TimeSpan Denied, TimeSpan Known)>();
        for (var done = 0; done < Revocations; done += AtOnce)
        {
            took.AddRange(await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => RevokeAsync())));
        }

        await load.StopAsync();
        var denied = took.Select(t => t.Denied.TotalMilliseconds).Order().ToArray();
        var known = took.Select(t => t.Known.TotalMilliseconds).Order().ToArray();
        System.Console.WriteLine(
            $"drill revocation to denial: {Revocations} revocations, two gateways, under {load.Requests} requests; denied on both "
            + $"p50 {denied[Revocations / 2]:0.0} ms, p99 {denied[Revocations * 99 / 100]:0.0} ms, max {denied[^1]:0.0} ms; known by both "
            + $"p50 {known[Revocations / 2]:0.0} ms, p99 {known[Revocations * 99 / 100]:0.0} ms, max {known[^1]:0.0} ms; failures {load.Describe()}");

        Assert.Empty(load.WronglyAllowed);
        Assert.InRange(denied[Revocations * 99 / 100], 0, 1_000);
        Assert.InRange(known[Revocations * 99 / 100], 0, 1_000);
    }

    // From the acknowledged end of a Session to the first refusal at both Gateways, and to both Gateways holding it themselves.
    private async Task<(TimeSpan Denied, TimeSpan Known)> RevokeAsync()
    {
        var application = fleet.Applications[0];
        var authority = await application.ProvisionAsync(fleet.Zone.Blueprint.Scopes, depth: 1, CancellationToken.None);
        var mandates = new Queue<string>();
        while (mandates.Count < 6) mandates.Enqueue((await application.MintAsync(authority, fleet.Zone.Blueprint.Scopes[0], CancellationToken.None)).Require("mint")["access_token"]);

        Assert.True(await fleet.TryEndSessionAsync(authority), "the Session could not be ended");
        var since = Stopwatch.StartNew();
        foreach (var client in fleet.Clients) await UntilDeniedAsync(client, mandates, since);
        var denied = since.Elapsed;
        foreach (var replica in (int[])[0, 1]) await UntilKnownAsync(replica, authority, since);
        return (denied, since.Elapsed);
    }

    private async Task UntilDeniedAsync(WireClient client, Queue<string> mandates, Stopwatch since)
    {
        while (true)
        {
            Assert.True(mandates.Count > 0, $"calls were allowed for {since.Elapsed.TotalMilliseconds:0} ms after the revocation");
            var answer = await client.GovernedAsync(HttpMethod.Get, "/reports", mandates.Dequeue(), fleet.Zone.Blueprint.Resource, CancellationToken.None);
            if (answer.Status is 401 or 403) return;
            await Task.Delay(100);
        }
    }

    private async Task UntilKnownAsync(int replica, AgentAuthority authority, Stopwatch since)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", File.ReadAllText(Path.Combine(fleet.Fleet.Files.Variables["CARACAL_SECRETS_DIR"]!, "metricsBearer")).Trim());
        var url = $"{fleet.Fleet.Endpoints(replica).Gateway}/internal/revocations/{authority.SessionId}";
        while (!(await http.GetStringAsync(url)).Contains("\"revoked\":true", StringComparison.Ordinal))
        {
            Assert.True(since.Elapsed < TimeSpan.FromSeconds(10), "a Gateway never heard of the revocation");
            await Task.Delay(2);
        }
    }
}
