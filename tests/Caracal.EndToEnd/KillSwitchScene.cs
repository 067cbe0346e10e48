using System.Diagnostics;
using System.Text.Json;
using Caracal.Cli.Client;

namespace Caracal.EndToEnd;

/// <summary>The kill switch at the size its promise names, over authority that agents really hold (api.md 11.4).</summary>
internal static class KillSwitchScene
{
    private const int Sessions = 1_000;
    private const int Half = Sessions / 2;
    private const int Delegations = 5_000;
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(2);

    /// <summary>Makes everything, ends it with one call, and tries to use it at every service that is given.</summary>
    public static async Task RunAsync(IReadOnlyList<WireClient> clients, GovernedZone zone, string adminToken, CancellationToken stop)
    {
        var wire = clients[0];
        var application = new AgentApplication(wire, zone);
        var lifecycle = await application.LifecycleAsync(stop);
        var sessions = await ManyAsync(Sessions, _ => PostAsync("agents", new { application_id = zone.ApplicationId, labels = new[] { zone.Blueprint.Role }, ttl_seconds = 1020 }), "agent_session_id");
        var edges = await ManyAsync(
            Delegations,
            i => PostAsync("delegations", new
            {
                issuer_application_id = zone.ApplicationId,
                receiver_application_id = zone.ApplicationId,
                source_session_id = sessions[i % Half],
                target_session_id = TargetOf(i),
                scopes = zone.Blueprint.Scopes,
                constraints = new { resources = new[] { zone.Blueprint.Resource }, max_depth = 1 },
                ttl_seconds = 900,
            }),
            "delegation_edge_id");

        // One half gives, the other receives: who was given something may pass on no more than that.
        string TargetOf(int i) => sessions[Half + ((i + (i / Half)) % Half)];
        AgentAuthority Held(int i) => new(TargetOf(i), edges[i]);

        // Mandates that are out before the switch is thrown: one is spent to show that they were good.
        var mandates = new List<string>();
        for (var i = 0; i < Delegations; i += Delegations / 40) mandates.Add((await application.MintAsync(Held(i), zone.Blueprint.Scopes[0], stop)).Require("mint")["access_token"]);
        Assert.Equal(200, (await CallAsync(wire, mandates[0])).Status);

        var started = Stopwatch.GetTimestamp();
        var killed = await wire.ApiAsync(HttpMethod.Post, $"/v1/zones/{zone.ZoneId}/kill-switch", adminToken, JsonSerializer.Serialize(new { subject_id = zone.ApplicationId }), stop);
        var took = Stopwatch.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper?.WriteLine($"answered after {took.TotalMilliseconds:F0} ms");
        var report = killed.Require("kill switch").Body;
        Assert.Equal((Sessions, Delegations), (report.GetProperty("sessions").GetInt32(), report.GetProperty("delegations").GetInt32()));
        Assert.True(took <= Promise, $"the switch took {took.TotalMilliseconds:F0} ms");

        // At once, without waiting for any message: at every Gateway, STS and Coordinator.
        for (var i = 1; i < mandates.Count; i++) Assert.InRange((await CallAsync(clients[i % clients.Count], mandates[i])).Status, 401, 403);
        foreach (var client in clients)
        {
            var there = new AgentApplication(client, zone);
            for (var i = 0; i < Delegations; i += Delegations / 10) Assert.InRange((await there.MintAsync(Held(i), zone.Blueprint.Scopes[0], stop)).Status, 400, 403);
        }

        Assert.Equal(401, (await PostAsync("agents", new { application_id = zone.ApplicationId, ttl_seconds = 60 })).Status);

        Task<WireAnswer> CallAsync(WireClient client, string mandate) => client.GovernedAsync(HttpMethod.Get, "/reports", mandate, zone.Blueprint.Resource, stop);

        Task<WireAnswer> PostAsync(string what, object body) =>
            wire.CoordinatorAsync(HttpMethod.Post, $"/zones/{zone.ZoneId}/{what}", lifecycle, JsonSerializer.Serialize(body), stop);

        async Task<string[]> ManyAsync(int count, Func<int, Task<WireAnswer>> makeAsync, string id)
        {
            var ids = new string[count];
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = stop }, async (i, _) => ids[i] = (await makeAsync(i)).Require(id)[id]);
            return ids;
        }
    }
}
