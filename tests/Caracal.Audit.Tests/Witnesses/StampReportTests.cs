using Caracal.Audit.Witnesses;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Tests.Witnesses;

public sealed class StampReportTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly byte[] Root = new byte[32];

    [Fact]
    public void A_stamp_covers_rows_that_gave_its_root_and_before_which_nothing_was_found()
    {
        var report = Met("a", "b");
        var last = report.Last(Walk(mismatches: 1, Finding("a", 7)));
        Assert.Equal(["b"], last.Keys);
        Assert.Equal(new StampedRow(10, At), last["b"]);
    }

    [Fact]
    public void Of_more_findings_than_are_kept_any_row_may_have_one()
    {
        Assert.Empty(Met("a", "b").Last(Walk(mismatches: 2, Finding("a", 7))));
    }

    private static StampReport Met(params string[] zones)
    {
        var report = new StampReport();
        foreach (var zone in zones)
        {
            report.Expect(zone, new Checkpoint(zone, 10, Root), At);
            report.Agree(zone, new SignedRoot(10, Root));
        }

        return report;
    }

    private static ChainFinding Finding(string zone, long seq) => new(ChainFault.ContentMismatch, zone, seq, null, seq - 1, null, "changed");

    private static ChainReport Walk(long mismatches, params ChainFinding[] findings) => new(20, mismatches, 0, 0, findings, []);
}
