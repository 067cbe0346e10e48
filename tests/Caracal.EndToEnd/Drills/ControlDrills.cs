using System.Diagnostics;
using System.Text.Json;
using Caracal.Cli.Client;

namespace Caracal.EndToEnd.Drills;

/// <summary>What operators do to a running system in separate processes, over PostgreSQL and Redis.</summary>
[Collection(DrillCollection.Name)]
public sealed class ControlDrills(DrillFleet fleet)
{
    private const int Mints = 400;

    [Fact]
    public async Task After_one_call_nothing_of_the_subject_is_allowed_at_any_replica()
    {
        var zone = await fleet.ZoneAsync("Kill");
        await KillSwitchScene.RunAsync(fleet.Clients, zone, fleet.Fleet.Files.AdminToken, CancellationToken.None);
    }

    // The hour in which it is needed is the hour in which something is down (ruling 21).
    [Fact]
    public async Task A_freeze_ends_what_lives_while_no_STS_can_hear_of_it_and_is_finished_by_the_next()
    {
        var zone = await fleet.ZoneAsync("Freeze");
        var application = new AgentApplication(fleet.Clients[0], zone);
        var authority = await application.ProvisionAsync(zone.Blueprint.Scopes, depth: 1, CancellationToken.None);
        Assert.True((await application.MintAsync(authority, zone.Blueprint.Scopes[0], CancellationToken.None)).IsSuccess);
        var at = fleet.Fleet.Endpoints(0);
        using var caracal = new CaracalCommand();
        caracal.With("CARACAL_API_URL", at.Api).With("CARACAL_ADMIN_TOKEN", fleet.Fleet.Files.AdminToken);

        await fleet.Fleet.Redis.StopAsync();
        var (exit, output, error) = await caracal.RunAsync("incident", "freeze", zone.ZoneId, "--reason", "drill of today");
        await fleet.Fleet.Redis.StartAsync(CancellationToken.None);
        Assert.True(exit == 1, output + error);
        Assert.True((output + error).Contains("ended: 2 sessions", StringComparison.Ordinal), output + error);
        Assert.Contains("freeze it again", error, StringComparison.Ordinal);

        await fleet.RecoverAsync();
        Assert.False((await application.MintAsync(authority, zone.Blueprint.Scopes[0], CancellationToken.None)).IsSuccess);
        (exit, output, error) = await caracal.RunAsync("incident", "freeze", zone.ZoneId, "--reason", "drill of today");
        Assert.True(exit == 0, output + error);
    }

    // Two STS replicas put what they decided to the candidate, report through Redis, and decide as before.
    [Fact]
    public async Task A_shadow_sees_what_both_replicas_decide_and_decides_nothing()
    {
        var zone = await fleet.ZoneAsync("Shadow");
        var applications = fleet.Clients.Select(client => new AgentApplication(client, zone)).ToList();
        var authority = await applications[0].ProvisionAsync(zone.Blueprint.Scopes, depth: 1, CancellationToken.None);
        for (var i = 0; i < 3; i++) await MintAsync(applications, authority, zone); // warm
        var before = await MintAsync(applications, authority, zone);

        var set = (await ApiAsync(HttpMethod.Get, zone, "policy-sets")).Body.GetProperty("items")[0].GetProperty("id").GetString();
        var content = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\ngrants := {}\n";
        var policy = await ApiAsync(HttpMethod.Post, zone, "policies", new { name = "nobody", content });
        var version = await ApiAsync(HttpMethod.Post, zone, $"policy-sets/{set}/versions", new { manifest = new[] { new { policy_version_id = policy["version_id"] } } });
        await ApiAsync(HttpMethod.Post, zone, $"policy-sets/{set}/versions/{version["version_id"]}/shadow", new { duration_seconds = 600, examples = 3 });
        await UntilAsync(async () =>
        {
            await MintAsync(applications, authority, zone, count: 2);
            return (await ShadowAsync(zone)).GetProperty("reporters").GetInt32() == 2;
        });
        var seen = (await ShadowAsync(zone)).GetProperty("evaluated").GetInt32();
        var beside = await MintAsync(applications, authority, zone);
        await UntilAsync(async () => (await ShadowAsync(zone)).GetProperty("evaluated").GetInt32() >= seen + Mints);
        var report = await ShadowAsync(zone);
        Assert.Equal(report.GetProperty("evaluated").GetInt32(), report.GetProperty("newly_denied").GetInt32());
        Assert.Equal((0, 0), (report.GetProperty("dropped").GetInt32(), report.GetProperty("unchanged").GetInt32()));
        Assert.Equal(3, report.GetProperty("examples").GetProperty("newly_denied").GetArrayLength());
        TestContext.Current.TestOutputHelper?.WriteLine($"{Mints} mints, two at a time: {before.TotalMilliseconds / Mints:0.00} ms each without a shadow, {beside.TotalMilliseconds / Mints:0.00} ms with one");

        await ApiAsync(HttpMethod.Delete, zone, "policy-shadow");
        Assert.Equal("ended", (await ShadowAsync(zone)).GetProperty("state").GetString());
    }

    // Every mint is granted, whatever the candidate says.
    private static async Task<TimeSpan> MintAsync(List<AgentApplication> applications, AgentAuthority authority, GovernedZone zone, int count = Mints)
    {
        var started = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (i, stop) =>
            (await applications[i % applications.Count].MintAsync(authority, zone.Blueprint.Scopes[0], stop)).Require("mint"));
        return Stopwatch.GetElapsedTime(started);
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        var waiting = Stopwatch.StartNew();
        while (!await isSo())
        {
            Assert.True(waiting.Elapsed < TimeSpan.FromSeconds(20), "it never came to that");
            await Task.Delay(100);
        }
    }

    private async Task<JsonElement> ShadowAsync(GovernedZone zone) => (await ApiAsync(HttpMethod.Get, zone, "policy-shadow")).Body;

    private async Task<WireAnswer> ApiAsync(HttpMethod method, GovernedZone zone, string path, object? body = null) =>
        (await fleet.Clients[0].ApiAsync(
            method, $"/v1/zones/{zone.ZoneId}/{path}", fleet.Fleet.Files.AdminToken, body is null ? null : JsonSerializer.Serialize(body), CancellationToken.None)).Require(path);
}
