using System.Globalization;
using Caracal.Audit.Feeds;
using Caracal.Protocol;
using Caracal.Storage.Ledger;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Caracal.TestKit;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Caracal.Audit.Tests;

public sealed class ReplicaTests
{
    private const int Events = 1200;
    private const long RetentionLock = 0x4341524130303032; // audit.md 7
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
        await audit.ListenAsync();
        using var limit = new CancellationTokenSource(Patience);
        while (!audit.Log.Contains("tamper sweep complete", StringComparison.Ordinal)) await Task.Delay(20, limit.Token);

        await EnterWithAnotherLoginAsync(audit);

        string[] Acquired() => [.. audit.Log.Split('\n').Where(line => line.Contains("\"event\":\"leader_acquired\"", StringComparison.Ordinal) && line.Contains("\"job\":\"sweep\"", StringComparison.Ordinal))];
        while (Acquired().Length < 2) await Task.Delay(20, limit.Token);
        await audit.ShipAsync(Vectors.Event("later"));
        await Task.Delay(TimeSpan.FromSeconds(1), limit.Token); // as long as many sweeps of this ledger
        Assert.Single(audit.Log.Split('\n'), line => line.Contains("tamper sweep complete", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_replica_that_no_longer_keeps_the_ledger_short_shows_nothing_of_what_it_saw()
    {
        await using var audit = await AuditHarness.CreateAsync(Engine.Postgres, settings => settings with { RetentionDays = 30 });
        var now = TimeProvider.System.GetUtcNow();
        await audit.ShipAsync(Vectors.Event("held"), Vectors.Event("early").Replace("2026-07-12", now.AddYears(1).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), StringComparison.Ordinal));
        var month = new DateTimeOffset(2026, 7, 1, 0, 0, 0, TimeSpan.Zero);
        var hold = new LegalHold { Id = Ids.New(), HeldFrom = month, HeldUntil = month.AddMonths(1), Reason = "case 7", PlacedBy = "counsel", PlacedAt = now };
        await new LegalHoldStore(audit.Database).PlaceAsync(hold, default);
        await audit.ListenAsync();
        using var limit = new CancellationTokenSource(Patience);
        while (await SeenAsync() is not (1, 1)) await Task.Delay(20, limit.Token);

        // Whoever waits for the lock gets it before the replica can take it again.
        var server = await PostgresServer.GetAsync();
        await using var other = new NpgsqlConnection(server.ConnectionString(await NameAsync(audit)));
        await other.OpenAsync(limit.Token);
        var taken = other.ExecuteAsync($"SELECT pg_advisory_lock({RetentionLock})");
        while (await audit.Owner.ReadAsync(connection => connection.ExecuteScalarAsync<long>($"SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = {other.ProcessID}")) == 0) await Task.Delay(20, limit.Token);
        await EnterWithAnotherLoginAsync(audit);

        await taken.WaitAsync(limit.Token);
        while ((await MetricsAsync(audit, limit.Token)).Contains("\ncaracal_audit_is_retention_leader 1\n", StringComparison.Ordinal)) await Task.Delay(20, limit.Token);
        while (await SeenAsync() is not (0, 0)) await Task.Delay(20, limit.Token);

        async Task<(double Held, double Default)> SeenAsync()
        {
            var metrics = await MetricsAsync(audit, limit.Token);
            return (Figure(metrics, "retention_held_partitions"), Figure(metrics, "default_partition_rows"));
        }
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
            while (!(await MetricsAsync(audit, limit.Token)).Contains($"\ncaracal_audit_is_{lease}_leader 1\n", StringComparison.Ordinal)) await Task.Delay(50, limit.Token);
        }

        await other.StartAsync(default);
        var metrics = await MetricsAsync(audit, limit.Token);
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
    }

    // As a rotation of Audit's password does: who leads gives its leads back.
    private static async Task EnterWithAnotherLoginAsync(AuditHarness audit)
    {
        var server = await PostgresServer.GetAsync();
        var name = await NameAsync(audit);
        await audit.Owner.WriteAsync(work => work.Connection.ExecuteAsync($"CREATE ROLE {name}_next LOGIN PASSWORD '{PostgresServer.Password}' IN ROLE {ServiceRole.Audit.FirstLogin}"));
        _ = ((PostgresDatabase)audit.Database).EnterAsync(server.Address(name, name + "_next"));
    }

    private static async Task<string> NameAsync(AuditHarness audit) =>
        (await audit.Owner.ReadAsync(connection => connection.ExecuteScalarAsync<string>("SELECT current_database()")))!;

    private static async Task<string> MetricsAsync(AuditHarness audit, CancellationToken stop) =>
        await (await audit.GetAsync("/metrics", AuditHarness.MetricsToken)).Content.ReadAsStringAsync(stop);

    private static double Figure(string metrics, string name) =>
        double.Parse(metrics.Split('\n').Single(line => line.StartsWith($"caracal_audit_{name} ", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);
}
