using Caracal.Audit.Feeds;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Caracal.TestKit;
using Dapper;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests;

public sealed class ReplicaTests
{
    private const int Events = 1200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Of_two_replicas_one_sweeps_and_one_tells_each_event_once()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("caracal-feed-").FullName, "events.jsonl");
        await using var audit = await AuditHarness.CreateAsync(Engine.Postgres, settings => settings with { Feeds = new FeedSettings { File = file } });
        using var state = new InProcessState(TimeProvider.System);
        await using var other = new AuditService(
            audit.Settings, audit.Database, audit.Clock, new InProcessStreams(TimeProvider.System), state, audit.Logging.CreateLogger("audit"));
        await audit.ListenAsync();
        await other.StartAsync(default);
        await audit.ShipAsync([.. Enumerable.Range(0, Events).Select(i => Vectors.Event($"e{i}"))]);

        using var limit = new CancellationTokenSource(Patience);
        while (!File.Exists(file) || (await File.ReadAllLinesAsync(file, limit.Token)).Length < Events) await Task.Delay(50, limit.Token);

        // As long again as every feed needs for another run.
        await Task.Delay(2 * LedgerFeed.Interval);
        var lines = await File.ReadAllLinesAsync(file);
        Assert.Equal((Events, Events), (lines.Length, lines.Distinct().Count()));
        while (!audit.Log.Contains("tamper sweep complete", StringComparison.Ordinal)) await Task.Delay(50, limit.Token);
        Assert.Single(audit.Log.Split('\n'), line => line.Contains("tamper sweep complete", StringComparison.Ordinal));
        await other.StopAsync();
    }

    [Fact]
    public async Task A_replica_that_leads_again_with_another_login_does_not_sweep_everything_again()
    {
        await using var audit = await AuditHarness.CreateAsync(Engine.Postgres);
        var server = await PostgresServer.GetAsync();
        var name = (await audit.Owner.ReadAsync(connection => connection.ExecuteScalarAsync<string>("SELECT current_database()")))!;
        await audit.Owner.WriteAsync(work => work.Connection.ExecuteAsync($"CREATE ROLE {name}_next LOGIN PASSWORD '{PostgresServer.Password}' IN ROLE {ServiceRole.Audit.FirstLogin}"));
        await audit.ListenAsync();
        using var limit = new CancellationTokenSource(Patience);
        while (!audit.Log.Contains("tamper sweep complete", StringComparison.Ordinal)) await Task.Delay(20, limit.Token);

        ((PostgresDatabase)audit.Database).Enter(server.Address(name, name + "_next"));

        string[] Acquired() => [.. audit.Log.Split('\n').Where(line => line.Contains("\"event\":\"leader_acquired\"", StringComparison.Ordinal) && line.Contains("\"job\":\"sweep\"", StringComparison.Ordinal))];
        while (Acquired().Length < 2) await Task.Delay(20, limit.Token);
        await audit.ShipAsync(Vectors.Event("later"));
        await Task.Delay(TimeSpan.FromSeconds(1), limit.Token); // as long as many sweeps of this ledger
        Assert.Single(audit.Log.Split('\n'), line => line.Contains("tamper sweep complete", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_two_replicas_one_keeps_the_ledger_short_and_a_hold_need_not_wait_for_it()
    {
        await using var audit = await AuditHarness.CreateAsync(Engine.Postgres);
        using var state = new InProcessState(TimeProvider.System);
        await using var other = new AuditService(
            audit.Settings, audit.Database, audit.Clock, new InProcessStreams(TimeProvider.System), state, audit.Logging.CreateLogger("audit"));
        await audit.ListenAsync();
        using var limit = new CancellationTokenSource(Patience);
        string[] leases = ["retention", "sweep", "export"];
        foreach (var lease in leases)
        {
            while (!(await MetricsAsync()).Contains($"\ncaracal_audit_is_{lease}_leader 1\n", StringComparison.Ordinal)) await Task.Delay(50, limit.Token);
        }

        await other.StartAsync(default);
        var metrics = await MetricsAsync();
        foreach (var lease in leases)
        {
            Assert.Contains($"# TYPE caracal_audit_{lease}_lease_transitions_total counter\ncaracal_audit_{lease}_lease_transitions_total 1\n", metrics, StringComparison.Ordinal);
        }

        Assert.Single(audit.Log.Split('\n'), line => line.Contains("\"event\":\"leader_acquired\"", StringComparison.Ordinal) && line.Contains("\"job\":\"retention\"", StringComparison.Ordinal));

        using var hold = new HttpRequestMessage(HttpMethod.Post, "/api/audit/holds")
        {
            Content = new StringContent("""{"from":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z","reason":"case 12","placed_by":"ops"}"""),
        };
        hold.Headers.Authorization = new("Bearer", AuditHarness.AdminToken);
        using var placed = await audit.Http.SendAsync(hold, limit.Token);
        Assert.Equal(System.Net.HttpStatusCode.Created, placed.StatusCode);
        await audit.Service.StopAsync();
        Assert.Contains("\"event\":\"leader_lost\"", audit.Log, StringComparison.Ordinal);
        await other.StopAsync();

        async Task<string> MetricsAsync() => await (await audit.GetAsync("/metrics", AuditHarness.MetricsToken)).Content.ReadAsStringAsync(limit.Token);
    }
}
