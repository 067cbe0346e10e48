using System.Text.Json;
using Caracal.Audit.Tampering;
using Caracal.Storage.Ledger;
using Caracal.TestKit;

namespace Caracal.Audit.Tests;

public sealed class SweepTests
{
    private const int Events = 5000;

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_sweep_that_was_broken_off_goes_on_where_it_was_and_forgets_no_finding(Engine engine)
    {
        await using var audit = await BrokenOffAsync(engine);
        var store = new SweepStore(audit.Database);
        var position = Assert.Single(await store.PositionsAsync(default));
        Assert.InRange(position.ChainSeq, 5, Events - 1);

        var report = await VerifyAsync(audit);
        Assert.Equal((Events - position.ChainSeq, true), (report.Checked, report.IsClean));
        var alert = Assert.Single(await store.AlertsAsync("z1", 100, default));
        Assert.Equal(("content_mismatch", "e5"), (alert.Kind, alert.EventId));
        Assert.Empty(await store.PositionsAsync(default));

        // The next one begins at the beginning, and tells nothing twice.
        Assert.Equal((Events, 1), ((await VerifyAsync(audit)).Checked, (await store.AlertsAsync(null, 100, default)).Count));
    }

    [Theory]
    [InlineData("UPDATE audit_sweep_progress SET chain_seq = 4999")]
    [InlineData("UPDATE audit_sweep_progress SET content_sha256 = 'x'")]
    [InlineData("UPDATE audit_sweep_progress SET zone_id = 'z2'")]
    [InlineData("UPDATE audit_sweep_progress SET sweep_id = 'x.'")]
    public async Task A_position_that_somebody_else_wrote_lets_no_sweep_jump(string sql)
    {
        await using var audit = await BrokenOffAsync(Engine.Sqlite);
        await audit.TamperAsync(sql);

        Assert.Equal(Events, (await VerifyAsync(audit)).Checked);
    }

    [Fact]
    public async Task Rows_that_a_sweep_saw_and_that_are_gone_begin_it_anew()
    {
        await using var audit = await BrokenOffAsync(Engine.Sqlite);
        await audit.TamperAsync("DELETE FROM audit_events WHERE chain_seq > 1000");
        await audit.TamperAsync("UPDATE audit_chain_heads SET chain_seq = 1000, content_sha256 = (SELECT content_sha256 FROM audit_events WHERE chain_seq = 1000)");

        var report = await VerifyAsync(audit);
        Assert.Equal(1000, report.Checked);
        Assert.Contains(report.Findings, finding => finding.Word == "checkpoint_mismatch");
    }

    [Fact]
    public async Task Alerts_are_told_to_operators()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync(Vectors.Event("e1"), Vectors.Event("e2"));
        await audit.TamperAsync("UPDATE audit_events SET decision = 'deny' WHERE chain_seq = 2");
        await audit.ListenAsync(); // sweeps at start

        var store = new SweepStore(audit.Database);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while ((await store.AlertsAsync(null, 1, limit.Token)).Count == 0) await Task.Delay(20, limit.Token);
        using var answer = await audit.GetAsync("/api/audit/alerts?zone_id=z1", AuditHarness.AdminToken);
        var alert = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("alerts")[0];
        Assert.Equal(("content_mismatch", "e2"), (alert.GetProperty("kind").GetString(), alert.GetProperty("event_id").GetString()));
        using var unknown = await audit.GetAsync("/api/audit/alerts");
        Assert.Equal(401, (int)unknown.StatusCode);
    }

    private static Task<Evidence.Ledger.ChainReport> VerifyAsync(AuditHarness audit, int rowsPerSecond = 0, CancellationToken stop = default) =>
        new LedgerVerification(audit.Database, Vectors.Keys, Vectors.CheckpointSigner.Key)
            .VerifyAllAsync(new SweepJournal(new SweepStore(audit.Database), Vectors.Keys, audit.Clock, rowsPerSecond), stop);

    // One row is wrong on the first page; the sweep may read so little that it is still there when it is stopped.
    private static async Task<AuditHarness> BrokenOffAsync(Engine engine)
    {
        var audit = await AuditHarness.CreateAsync(engine);
        await audit.Clock.MeasureAsync(default);
        await audit.ShipAsync([.. Enumerable.Range(1, Events).Select(i => Vectors.Event($"e{i}"))]);
        await audit.CheckpointAsync();
        await audit.TamperAsync("UPDATE audit_events SET decision = 'deny' WHERE chain_seq = 5");
        using var stop = new CancellationTokenSource();
        var sweep = VerifyAsync(audit, rowsPerSecond: 10, stop.Token);
        var store = new SweepStore(audit.Database);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while ((await store.PositionsAsync(limit.Token)).Count == 0) await Task.Delay(10, limit.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sweep);
        return audit;
    }
}
