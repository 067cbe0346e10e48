using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Caracal.Audit.Export;
using Caracal.Audit.Retention;
using Caracal.Audit.Tampering;
using Caracal.Evidence.Ledger;
using Caracal.Hosting.Metrics;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Audit.Tests;

/// <summary>Ten events of an old month, five of today, one of the old month that came late; and two of another zone in the old month.</summary>
public sealed class RetentionTests
{
    private static readonly DateTimeOffset OldMonth = new(2026, 7, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_month_that_is_old_enough_goes_and_the_chain_still_verifies(Engine engine)
    {
        await using var audit = await LedgerAsync(engine);
        await CareAsync(audit);

        Assert.Equal([11, 12, 13, 14, 15], (await audit.RowsAsync()).Select(row => row.ChainSeq));
        Assert.Empty(await audit.RowsAsync("z2"));
        var report = await VerifyAsync(audit);
        Assert.True(report.IsClean, string.Join("; ", report.Findings));

        // What retention told of hides nothing else.
        await audit.TamperAsync("DELETE FROM audit_events WHERE zone_id = 'z1' AND chain_seq = 13");
        Assert.Contains((await VerifyAsync(audit)).Findings, finding => finding is { Word: "chain_break", Chain: "z1" });

        // The chain goes on behind it.
        await audit.ShipAsync(Vectors.Event("e17"));
        Assert.Equal(17, (await audit.RowsAsync())[^1].ChainSeq);
    }

    [Theory]
    [InlineData(Engine.Sqlite, null, 0)]
    [InlineData(Engine.Postgres, null, 0)]
    [InlineData(Engine.Sqlite, "z2", 0)]
    [InlineData(Engine.Sqlite, "z1", 12)] // Another time.
    [InlineData(Engine.Sqlite, "nobody", 0)]
    public async Task A_hold_keeps_its_zone_and_time_until_it_is_released(Engine engine, string? zone, int monthsLater)
    {
        await using var audit = await LedgerAsync(engine);
        var holds = new LegalHoldStore(audit.Database);
        var hold = new LegalHold
        {
            Id = Ids.New(),
            HeldZoneId = zone,
            HeldFrom = OldMonth.AddDays(10).AddMonths(monthsLater),
            HeldUntil = OldMonth.AddDays(20).AddMonths(monthsLater),
            Reason = "case 7",
            PlacedBy = "counsel",
            PlacedAt = audit.Clock.Now,
        };
        await holds.PlaceAsync(hold, default);
        await CareAsync(audit);
        var holding = zone != "nobody" && monthsLater == 0;
        Assert.Equal(holding ? 18 : 5, await CountAsync(audit));

        Assert.True(await holds.ReleaseAsync(hold.Id, audit.Clock.Now, default));
        Assert.False(await holds.ReleaseAsync(hold.Id, audit.Clock.Now, default));
        await CareAsync(audit);
        Assert.Equal(5, await CountAsync(audit));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_finding_keeps_the_months_of_its_zone_until_a_person_answers_for_it(Engine engine)
    {
        await using var audit = await LedgerAsync(engine);
        var store = new SweepStore(audit.Database);
        await store.KeepAsync([Alert("a1", "z2"), Alert("a2", "z2"), Alert("a3", "nobody")], null, audit.Clock.Now, default);
        await CareAsync(audit);
        Assert.Equal(18, await CountAsync(audit));

        Assert.False(await store.CloseAsync("another", "ops", "looked at", audit.Clock.Now, default));
        Assert.True(await store.CloseAsync("a1", "ops", "a disk was mended", audit.Clock.Now, default));
        Assert.False(await store.CloseAsync("a1", "ops", "again", audit.Clock.Now, default));
        await store.KeepAsync([Alert("a1", "z2")], null, audit.Clock.Now, default); // found once more
        await CareAsync(audit);
        Assert.Equal(18, await CountAsync(audit));

        Assert.True(await store.CloseAsync("a2", "ops", "a disk was mended", audit.Clock.Now, default));
        Assert.Equal(["ops", "ops", null], (await store.AlertsAsync(null, 10, default)).OrderBy(alert => alert.Id, StringComparer.Ordinal).Select(alert => alert.ClosedBy));
        await CareAsync(audit);
        Assert.Equal(5, await CountAsync(audit));

        LedgerAlert Alert(string id, string zone) => new() { Id = id, EventId = "", ZoneId = zone, Kind = "chain_break", Detail = "", CreatedAt = audit.Clock.Now };
    }

    // A month of PostgreSQL goes as a table: what comes while it is looked at would go with it, untold and not exported.
    [Fact]
    public async Task A_month_into_which_an_event_comes_at_the_last_moment_stays()
    {
        await using var audit = await LedgerAsync(Engine.Postgres);
        await audit.TamperAsync("SELECT audit_partition_ensure('2026-07-01')");
        var seen = new TaskCompletionSource();
        var coming = audit.Owner.WriteAsync(WriteKind.Bookkeeping, async work =>
        {
            await work.Connection.ExecuteAsync(
                "INSERT INTO audit_events (id, zone_id, occurred_at, content_sha256, chain_seq) SELECT 'last', zone_id, occurred_at, 'h', 17 FROM audit_events WHERE zone_id = 'z1' AND chain_seq = 16");
            seen.SetResult();

            // Until whoever removes the month has looked at all else and waits for us.
            while (await work.Connection.ExecuteScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'") == 0) await Task.Delay(20, TestContext.Current.CancellationToken);
            return 0;
        });
        if (await Task.WhenAny(seen.Task, coming) == coming) await coming;
        var retention = new LedgerRetention(audit.Database, audit.Settings.AuditKeys);
        Assert.Equal(MonthOutcome.Busy, await retention.DropAsync(OldMonth, null, audit.Clock.Now, default));
        await coming;
        Assert.Equal(19, await CountAsync(audit));
        Assert.Equal(0, await audit.Owner.ReadAsync(connection => connection.ExecuteScalarAsync<long>("SELECT count(*) FROM audit_partition_drops")));
        Assert.Equal(MonthOutcome.Dropped, await retention.DropAsync(OldMonth, null, audit.Clock.Now, default));
        Assert.Equal(5, await CountAsync(audit));
    }

    [Fact]
    public async Task Rows_that_no_month_holds_are_counted()
    {
        await using var audit = await LedgerAsync(Engine.Postgres);
        var partitions = new LedgerPartitions(audit.Database);
        await CareAsync(audit);
        Assert.Equal(0, await partitions.DefaultRowsAsync(audit.Clock.Now, default));
        await audit.ShipAsync(Vectors.Event("early").Replace("2026-07-12", audit.Clock.Now.AddYears(1).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
        await CareAsync(audit);
        Assert.Equal(1, await partitions.DefaultRowsAsync(audit.Clock.Now, default));
    }

    [Fact]
    public async Task Findings_are_closed_over_HTTP_by_somebody_with_a_reason()
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();
        await new SweepStore(audit.Database).KeepAsync([new LedgerAlert { Id = "a1", EventId = "", ZoneId = "z1", Kind = "chain_break", Detail = "", CreatedAt = audit.Clock.Now }], null, audit.Clock.Now, default);
        const string Body = """{"closed_by":"ops","reason":"a disk was mended"}""";
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(audit, "/api/audit/alerts/a1/close", Body, bearer: null)).Status);
        foreach (var bad in (string[])["", "[]", "{}", """{"closed_by":"ops"}""", Body.Replace("\"ops\"", "\"\"", StringComparison.Ordinal), Body.Replace("reason", "why", StringComparison.Ordinal)])
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(audit, "/api/audit/alerts/a1/close", bad)).Status);
        }

        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync(audit, "/api/audit/alerts/a2/close", Body)).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await PostAsync(audit, "/api/audit/alerts/a1/close", Body)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync(audit, "/api/audit/alerts/a1/close", Body)).Status);
        using var list = await audit.GetAsync("/api/audit/alerts", AuditHarness.AdminToken);
        var alert = Assert.Single(JsonDocument.Parse(await list.Content.ReadAsStringAsync()).RootElement.GetProperty("alerts").EnumerateArray().ToList());
        Assert.Equal(("ops", "a disk was mended"), (alert.GetProperty("closed_by").GetString(), alert.GetProperty("reason").GetString()));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task What_has_not_left_for_the_export_is_kept(Engine engine)
    {
        var folder = Directory.CreateTempSubdirectory("caracal-export-").FullName;
        await using var audit = await LedgerAsync(engine, settings => settings with { Export = new ExportSettings { Folder = folder } });
        await CareAsync(audit);
        Assert.Equal(18, await CountAsync(audit));

        await new ExportStore(audit.Database).AdvanceAsync(ExportStore.Hourly, null, OldMonth, new Dictionary<string, long> { ["z1"] = 16, ["z2"] = 1 }, audit.Clock.Now, default);
        await CareAsync(audit);
        Assert.Equal(18, await CountAsync(audit));

        await new ExportStore(audit.Database).AdvanceAsync(ExportStore.Hourly, OldMonth, OldMonth.AddHours(1), new Dictionary<string, long> { ["z2"] = 2 }, audit.Clock.Now, default);
        await CareAsync(audit);
        Assert.Equal(5, await CountAsync(audit));
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task An_event_that_came_after_its_month_was_removed_is_told_of_when_it_goes(Engine engine)
    {
        await using var audit = await LedgerAsync(engine);
        await CareAsync(audit);
        await audit.ShipAsync(Vectors.Event("late-1"), Today("e18"), Vectors.Event("late-2"));
        await CareAsync(audit);
        await CareAsync(audit);

        Assert.Equal([11, 12, 13, 14, 15, 18], (await audit.RowsAsync()).Select(row => row.ChainSeq));
        var report = await VerifyAsync(audit);
        Assert.True(report.IsClean, string.Join("; ", report.Findings));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_month_that_goes_while_a_sweep_is_in_it_is_no_finding(Engine engine)
    {
        await using var audit = await AuditHarness.CreateAsync(engine, settings => settings with { RetentionDays = 30 });
        await audit.Clock.MeasureAsync(default);
        for (var i = 0; i < 5; i++) await audit.ShipAsync([.. Enumerable.Range(i * 500, 500).Select(n => Vectors.Event($"e{n}"))]);
        await audit.ShipAsync(Today("today"), Vectors.Event("late"));
        var told = new Telling(() => CareAsync(audit));

        var report = await new LedgerVerification(audit.Database, Vectors.Keys, progress: told).VerifyAllAsync(default);

        Assert.Equal(2001, report.Checked);
        Assert.True(report.IsClean, string.Join("; ", report.Findings));
    }

    [Fact]
    public async Task Operators_may_keep_less_than_the_ceiling_and_never_more()
    {
        await using var audit = await LedgerAsync(Engine.Sqlite, settings => settings with { RetentionDays = 1000 });
        await CareAsync(audit);
        Assert.Equal(18, await CountAsync(audit));

        await audit.TamperAsync("INSERT INTO audit_retention (singleton, retention_days) VALUES (1, 30)");
        await CareAsync(audit);
        Assert.Equal(5, await CountAsync(audit));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task What_replays_need_goes_earlier_and_the_chain_still_verifies(Engine engine)
    {
        await using var audit = await AuditHarness.CreateAsync(engine, settings => settings with { ReplayInputDays = 7 });
        await audit.Clock.MeasureAsync(default);
        const string Input = """{"resource_scopes":["a:b"], "presented":{"scope":"ä"}}""";
        string With(string id, string zone = "z1") => Vectors.Event(id, zone)[..^1] + $",\"policy_input\":{Input}}}";
        await audit.ShipAsync(With("e1"), Vectors.Event("e2"), With("e3"), With("o1", "z2"), Vectors.Event("e4")[..^1] + ",\"policy_input\":\"text\"}");
        await audit.ShipAsync(With("e1")); // Again, as after a lost acknowledgement.
        Assert.Equal([Input, Input, Input], await InputsAsync(audit));
        Assert.Equal((await audit.RowsAsync())[0].Entry.MetadataJson, (await audit.RowsAsync())[1].Entry.MetadataJson);

        await audit.TamperAsync($"UPDATE policy_inputs SET kept_since = {(engine == Engine.Sqlite ? "kept_since - 691200000000" : "kept_since - interval '8 days'")} WHERE chain_seq = 1");
        var now = audit.Clock.Now;
        var hold = new LegalHold { Id = Ids.New(), HeldZoneId = "z2", HeldFrom = now.AddDays(-9), HeldUntil = now, Reason = "case 7", PlacedBy = "counsel", PlacedAt = now };
        await new LegalHoldStore(audit.Database).PlaceAsync(hold, default);
        Assert.Equal(1, await CareForInputsAsync(audit));
        Assert.Equal(2, (await InputsAsync(audit)).Count);
        await new LegalHoldStore(audit.Database).ReleaseAsync(hold.Id, now, default);
        Assert.Equal(1, await CareForInputsAsync(audit));
        Assert.Single(await InputsAsync(audit));
        Assert.True((await VerifyAsync(audit)).IsClean);
    }

    [Fact]
    public async Task Nothing_is_kept_for_replays_where_nobody_wants_them()
    {
        await using var audit = await AuditHarness.CreateAsync(change: settings => settings with { ReplayInputDays = 0 });
        await audit.ShipAsync(Vectors.Event("e1")[..^1] + ",\"policy_input\":{}}");
        Assert.Empty(await InputsAsync(audit));
        Assert.Single(await audit.RowsAsync());
    }

    [Fact]
    public async Task Holds_are_placed_listed_and_released_over_HTTP()
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();
        const string Body = """{"zone_id":"z1","from":"2026-07-01T00:00:00Z","until":"2026-08-01T00:00:00Z","reason":"case 7","placed_by":"counsel"}""";
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(audit, "/api/audit/holds", Body, bearer: null)).Status);
        foreach (var bad in (string[])["", "[]", "{}", Body.Replace("zone_id", "zone"), Body.Replace("2026-08", "2026-06"), Body.Replace("\"counsel\"", "7"), Body.Replace("\"z1\"", "\"\"")])
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(audit, "/api/audit/holds", bad)).Status);
        }

        var placed = await PostAsync(audit, "/api/audit/holds", Body);
        Assert.Equal(HttpStatusCode.Created, placed.Status);
        var id = JsonDocument.Parse(placed.Text).RootElement.GetProperty("id").GetString();
        Assert.Equal(HttpStatusCode.NoContent, (await PostAsync(audit, $"/api/audit/holds/{id}/release", "")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync(audit, $"/api/audit/holds/{id}/release", "")).Status);
        using var list = await audit.GetAsync("/api/audit/holds", AuditHarness.AdminToken);
        var hold = Assert.Single(JsonDocument.Parse(await list.Content.ReadAsStringAsync()).RootElement.GetProperty("holds").EnumerateArray().ToList());
        Assert.Equal(("z1", JsonValueKind.String), (hold.GetProperty("zone_id").GetString(), hold.GetProperty("released_at").ValueKind));
    }

    private static async Task<(HttpStatusCode Status, string Text)> PostAsync(AuditHarness audit, string path, string body, string? bearer = AuditHarness.AdminToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        using var answer = await audit.Http.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static Task CareAsync(AuditHarness audit) => new PartitionCare(
        new LedgerPartitions(audit.Database), new LedgerRetention(audit.Database, audit.Settings.AuditKeys), audit.Settings, new AuditMetrics(new MetricsRegistry()), audit.Clock,
        audit.Logging.CreateLogger("audit")).RunAsync(default);

    private static async Task<IReadOnlyList<string>> InputsAsync(AuditHarness audit) =>
        (await audit.Owner.ReadAsync(connection => connection.QueryAsync<string>("SELECT input FROM policy_inputs ORDER BY zone_id, chain_seq"))).AsList();

    private static async Task<long> CareForInputsAsync(AuditHarness audit)
    {
        var metrics = new AuditMetrics(new MetricsRegistry());
        await new PolicyInputCare(new PolicyInputStore(audit.Database), new LedgerRetention(audit.Database), audit.Settings, metrics, audit.Clock).RunAsync(default);
        return metrics.ReplayInputsDropped.Value;
    }

    private static Task<ChainReport> VerifyAsync(AuditHarness audit) =>
        new LedgerVerification(audit.Database, Vectors.Keys, Vectors.CheckpointSigner.Key).VerifyAllAsync(default);

    private static Task<long> CountAsync(AuditHarness audit) =>
        audit.Owner.ReadAsync(connection => connection.ExecuteScalarAsync<long>("SELECT count(*) FROM audit_events"));

    private static string Today(string id) => Vectors.Event(id).Replace(
        "2026-07-12", TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);

    // Acts when the first page has been read.
    private sealed class Telling(Func<Task> act) : IProgress<(long Done, long Total)>
    {
        private bool _told;

        public void Report((long Done, long Total) value)
        {
            if (_told) return;
            _told = true;
            act().GetAwaiter().GetResult();
        }
    }

    private static async Task<AuditHarness> LedgerAsync(Engine engine, Func<AuditSettings, AuditSettings>? change = null)
    {
        var audit = await AuditHarness.CreateAsync(engine, settings => (change ?? (same => same))(settings with { RetentionDays = 30 }));
        await audit.Clock.MeasureAsync(default);
        await audit.ShipAsync([.. Enumerable.Range(1, 10).Select(i => Vectors.Event($"e{i}")), Vectors.Event("o1", "z2"), Vectors.Event("o2", "z2")]);
        await audit.CheckpointAsync();
        await audit.ShipAsync([.. Enumerable.Range(11, 5).Select(i => Today($"e{i}"))]);
        await audit.ShipAsync(Vectors.Event("late"));
        await audit.CheckpointAsync();
        return audit;
    }
}
