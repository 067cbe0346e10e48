using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Witnesses;

/// <summary>
/// What time-stamps say of a ledger. A stamp is of a root; it says something of rows only once they have given that root, so
/// the walk over the rows tells of each root that it has met (<see cref="Agree"/>).
/// </summary>
public sealed class StampReport
{
    private readonly List<ChainFinding> _findings = [];
    private readonly Dictionary<(string Zone, long Size), (byte[] Root, DateTimeOffset At)> _expected = [];
    private readonly List<(string Zone, StampedRow Row)> _met = [];

    /// <summary>Time-stamps that prove nothing.</summary>
    public IReadOnlyList<ChainFinding> Findings => _findings;

    /// <summary>The rows of a zone have given this root.</summary>
    public void Agree(string zoneId, SignedRoot root)
    {
        if (_expected.TryGetValue((zoneId, root.Size), out var stamped) && stamped.Root.AsSpan().SequenceEqual(root.Root))
        {
            _met.Add((zoneId, new StampedRow(root.Size, stamped.At)));
        }
    }

    /// <summary>Per zone: the last row that a time-stamp covers, that the walk has compared, and before which it has found nothing.</summary>
    public IReadOnlyDictionary<string, StampedRow> Last(ChainReport walk)
    {
        var last = new Dictionary<string, StampedRow>(StringComparer.Ordinal);

        // Of many findings some are only counted, and could be of any row.
        if (walk.Mismatches + walk.Breaks + walk.HmacFailures + walk.CheckpointFaults > walk.Findings.Count) return last;
        foreach (var (zone, row) in _met)
        {
            if (row.Seq > last.GetValueOrDefault(zone, StampedRow.None).Seq && !walk.Findings.Any(finding => finding.Chain == zone && finding.ChainSeq <= row.Seq))
            {
                last[zone] = row;
            }
        }

        return last;
    }

    internal void Expect(string zoneId, Checkpoint checkpoint, DateTimeOffset at) => _expected[(zoneId, checkpoint.Size)] = (checkpoint.Root, at);

    internal void Fail(string zoneId, long size, string reason) => _findings.Add(new ChainFinding(
        ChainFault.CheckpointMismatch, zoneId, size, null, size, null, $"the time-stamp of the checkpoint of {size} rows proves nothing: {reason}"));
}
