using Caracal.Audit.Tampering;
using Caracal.Evidence.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests;

public sealed class TamperingTests
{
    [Theory]
    [InlineData("UPDATE audit_events SET decision = 'deny' WHERE chain_seq = 2", ChainFault.ContentMismatch, 2, "e2")]
    [InlineData("UPDATE audit_events SET metadata_json = '{\"x\": 2}' WHERE chain_seq = 3", ChainFault.ContentMismatch, 3, "e3")]
    [InlineData("UPDATE audit_events SET prev_content_sha256 = 'aa' WHERE chain_seq = 2", ChainFault.ChainBreak, 2, "e2")]
    [InlineData("UPDATE audit_events SET chain_hmac = 'aa' WHERE chain_seq = 4", ChainFault.HmacMismatch, 4, "e4")]
    [InlineData("DELETE FROM audit_events WHERE chain_seq = 2", ChainFault.ChainBreak, 3, "e3")]
    [InlineData("DELETE FROM audit_events WHERE chain_seq = 1", ChainFault.ChainBreak, 2, "e2")]
    [InlineData("DELETE FROM audit_events WHERE chain_seq = 5", ChainFault.ChainBreak, 5, null)]
    [InlineData("DELETE FROM audit_events", ChainFault.ChainBreak, 1, null)]
    public async Task A_change_behind_our_back_is_found_and_named(string sql, ChainFault fault, long seq, string? row)
    {
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync([.. Enumerable.Range(1, 5).Select(i => Vectors.Event($"e{i}"))]);

        await audit.TamperAsync(sql);

        var report = await new LedgerVerification(audit.Database, Vectors.Keys).VerifyAllAsync(default);
        Assert.Contains(report.Findings, finding => finding.Fault == fault && finding.ChainSeq == seq && finding.RowId == row);
    }

    [Fact]
    public async Task An_untouched_ledger_holds_whole_and_in_its_window()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync([.. Enumerable.Range(1, 5).Select(i => Vectors.Event($"e{i}"))]);
        await audit.ShipAsync(Vectors.Event("late", "z2"));
        var verification = new LedgerVerification(audit.Database, Vectors.Keys);

        var all = await verification.VerifyAllAsync(default);
        var window = await verification.VerifySinceAsync(new DateTimeOffset(2026, 7, 12, 10, 0, 0, TimeSpan.Zero), default);
        var empty = await verification.VerifySinceAsync(DateTimeOffset.MaxValue.AddDays(-1), default);

        Assert.True(all.IsClean && window.IsClean && empty.IsClean);
        Assert.Equal((6, 6, 0), (all.Checked, window.Checked, empty.Checked));
    }

    [Fact]
    public async Task A_window_that_is_empty_still_misses_a_cut_off_tail()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync([.. Enumerable.Range(1, 5).Select(i => Vectors.Event($"e{i}"))]);
        await audit.TamperAsync("DELETE FROM audit_events WHERE chain_seq > 3");

        var report = await new LedgerVerification(audit.Database, Vectors.Keys).VerifySinceAsync(DateTimeOffset.MaxValue.AddDays(-1), default);

        Assert.Equal(4, Assert.Single(report.Findings).ChainSeq);
    }

    [Fact]
    [Trait("requirement", "R110")]
    [Trait("requirement", "R150")]
    public async Task Sweeps_log_the_words_that_alerts_match_and_count_once_per_sweep()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync([.. Enumerable.Range(1, 5).Select(i => Vectors.Event($"e{i}"))]);
        var metrics = new AuditMetrics(new Hosting.Metrics.MetricsRegistry());
        var sweep = new TamperSweep(
            new LedgerVerification(audit.Database, Vectors.Keys), new Caracal.Storage.Ledger.SweepStore(audit.Database), audit.Settings, metrics, audit.Clock, audit.Logging.CreateLogger("audit"));

        await sweep.RunFullAsync(default);
        Assert.DoesNotContain("chain_break", audit.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("hmac_mismatch", audit.Log, StringComparison.Ordinal);
        Assert.Contains("\"event\":\"tamper_sweep_complete\",\"msg\":\"tamper sweep complete\",\"full\":true,\"window\":\"all\",\"checked\":5,\"mismatches\":0,\"breaks\":0,\"hmac_failures\":0", audit.Log, StringComparison.Ordinal);

        await audit.TamperAsync("UPDATE audit_events SET decision = 'deny' WHERE chain_seq = 2");
        await audit.TamperAsync("UPDATE audit_events SET prev_content_sha256 = 'aa' WHERE chain_seq = 4");
        await audit.TamperAsync("UPDATE audit_events SET chain_hmac = 'aa' WHERE chain_seq = 5");
        await sweep.RunFullAsync(default);

        Assert.Contains("\"event\":\"content_mismatch\",\"msg\":\"tamper: content hash mismatch\",\"event_id\":\"e2\",\"zone_id\":\"z1\",\"chain_seq\":2", audit.Log, StringComparison.Ordinal);
        Assert.Contains("\"event\":\"chain_break\",\"msg\":\"tamper: chain break (prev hash mismatch) [chain_break]\",\"zone_id\":\"z1\",\"chain_seq\":4,\"prev_seq\":3", audit.Log, StringComparison.Ordinal);
        Assert.Contains("\"event\":\"hmac_mismatch\",\"msg\":\"tamper: chain HMAC mismatch [hmac_mismatch]\",\"event_id\":\"e5\",\"zone_id\":\"z1\",\"chain_seq\":5,\"hmac_key_id\":\"e1b7708d5e844531\"", audit.Log, StringComparison.Ordinal);
        Assert.Equal((1, 1), (metrics.Mismatches.Value, metrics.ChainBreaks.Value));
        Assert.True(metrics.TamperHmacFailures.Value >= 1);
    }

    [Fact]
    public async Task A_key_that_nobody_holds_is_told_apart_from_tampering()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync(Vectors.A);

        var report = await new LedgerVerification(audit.Database, Vectors.OtherKeys).VerifyAllAsync(default);

        Assert.True(report.IsClean);
        Assert.Equal(("z1", "e1b7708d5e844531", 1), (report.UnknownKeys[0].Chain, report.UnknownKeys[0].KeyId, report.UnknownKeys[0].Count));
    }
}
