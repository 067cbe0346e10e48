using Caracal.Audit.Witnesses;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Export;

/// <summary>One zone's chain and tree, followed through the hours of an export.</summary>
internal sealed class ExportedChain
{
    private readonly ExportTrust _trust;
    private readonly Action<ExportFinding> _report;
    private readonly string _zoneId;
    private readonly string _origin;
    private readonly ChainVerifier _chain;
    private readonly TreeVerifier _tree;
    private readonly Queue<Checkpoint> _kept = [];
    private ExportedZone _zone;
    private string _hour = "";
    private ChainHead _end;
    private long _first;
    private (SignedRoot Root, StampedRow Row)? _stamp;

    public ExportedChain(ExportedZone first, ExportTrust trust, Action<ExportFinding> report)
    {
        (_zone, _trust, _report, _zoneId) = (first, trust, report, first.ZoneId);
        _origin = trust.Key is null ? "" : Checkpoint.OriginOf(trust.Key.Name, _zoneId);
        _end = new ChainHead(first.FirstSeq - 1, first.FirstPrevContentSha256);
        _chain = new ChainVerifier(trust.AuditKeys, new ChainSweep
        {
            Predecessors = new Dictionary<string, ChainHead>(StringComparer.Ordinal) { [_zoneId] = _end },
        });
        _tree = new TreeVerifier(_zoneId, fault => Report(fault.Word, fault.ChainSeq, fault.Detail), Agree);
        if (trust.Key is null) return;
        _kept = new Queue<Checkpoint>(trust.Kept.Where(kept => kept.Origin == _origin && kept.Size >= first.FirstSeq).OrderBy(kept => kept.Size));
        _tree.StartAt(first.FirstSeq - 1, first.FirstSeq == 1 ? new TreeFrontier() : Start(first));
    }

    /// <summary>The last row that a checkpoint proves.</summary>
    public long Proven => _tree.ProvenSize;

    /// <summary>The last row of which a trusted authority says when it existed.</summary>
    public StampedRow Stamped { get; private set; } = StampedRow.None;

    /// <summary>An hour's rows of this zone follow.</summary>
    public void Begin(string hour, ExportedZone zone)
    {
        (_hour, _zone, _first) = (hour, zone, 0);
        if (zone.FirstSeq != _end.Seq + 1 || zone.FirstPrevContentSha256 != _end.ContentSha256) Report("chain_break", zone.FirstSeq, $"the hour does not continue the one before, which ended at {_end.Seq}");
        if (_trust.Key is null) return;
        var roots = TakeKept(zone.LastSeq);
        if (zone.WitnessedCheckpoint is { } witnessed) Add(roots, witnessed, zone.FirstSeq, "the witnessed checkpoint");
        if (zone.TimeStampedCheckpoint is { } stamped && Add(roots, stamped, zone.FirstSeq, "the time-stamped checkpoint") is { } root
            && _trust.TimeStampAuthorities is { } authorities)
        {
            CheckStamp(root, stamped, zone.TimeStamp, authorities);
        }

        if (zone.Checkpoint is { } checkpoint) Add(roots, checkpoint, zone.LastSeq, "the hour's checkpoint");
        else Report("checkpoint_mismatch", zone.LastSeq, "no signed checkpoint covers the hour");
        foreach (var expected in roots.OrderBy(expected => expected.Size)) _tree.Expect(expected);
    }

    public void Add(LedgerRow row)
    {
        if (_first == 0) _first = row.ChainSeq;
        _chain.Add(row);
        _tree.Add(row.ChainSeq, row.ContentSha256);
        _end = row.Head;
    }

    /// <summary>The hour's rows have been added.</summary>
    public void End(long rows)
    {
        if (rows != _zone.Events || _first != _zone.FirstSeq || _end.Seq != _zone.LastSeq || _end.ContentSha256 != _zone.LastContentSha256)
        {
            Report("manifest_mismatch", _zone.FirstSeq, $"the manifest tells of {_zone.Events} rows from {_zone.FirstSeq} to {_zone.LastSeq}, the file holds {rows} from {_first} to {_end.Seq}");
        }

        // The next hour is judged by what this one should have been.
        _end = new ChainHead(_zone.LastSeq, _zone.LastContentSha256);
    }

    public void Complete()
    {
        foreach (var root in TakeKept(long.MaxValue)) _tree.Expect(root);
        _tree.Complete();
        foreach (var fault in _chain.Complete().Findings) _report(new ExportFinding(fault.Word, null, _zoneId, fault.ChainSeq, fault.Detail));
    }

    private TreeFrontier? Start(ExportedZone first)
    {
        var size = first.FirstSeq - 1;
        if (Open(first.StartCheckpoint) is { } checkpoint && checkpoint.Size == size && TreeFrontier.Import(size, first.StartFrontier ?? "") is { } edge
            && edge.Root.AsSpan().SequenceEqual(checkpoint.Root))
        {
            return edge;
        }

        Report("checkpoint_mismatch", first.FirstSeq, "the rows before the first are not vouched for by a signed checkpoint");
        return null;
    }

    // A token tells of a root. Of the rows it tells only once they have given that root.
    private void CheckStamp(SignedRoot root, string note, string? token, System.Security.Cryptography.X509Certificates.X509Certificate2Collection authorities)
    {
        if (TimeStampTrust.Read(token, SignedNote.Parse(note)!.Text, authorities, out var at) is { } reason) Report("timestamp_mismatch", root.Size, $"the time-stamp of the checkpoint of {root.Size} rows proves nothing: {reason}");
        else _stamp = (root, new StampedRow(root.Size, at));
    }

    private void Agree(SignedRoot root)
    {
        if (_stamp is { } stamp && ReferenceEquals(stamp.Root, root)) Stamped = stamp.Row;
    }

    // Of an hour's own rows: a checkpoint of earlier ones would be compared with nothing.
    private SignedRoot? Add(List<SignedRoot> roots, string note, long leastSize, string what)
    {
        if (Open(note) is { } checkpoint && checkpoint.Size >= leastSize && checkpoint.Size <= _zone.LastSeq)
        {
            var root = new SignedRoot(checkpoint.Size, checkpoint.Root);
            roots.Add(root);
            return root;
        }

        Report("checkpoint_mismatch", _zone.LastSeq, $"{what} is not signed by the checkpoint key, or is of another size");
        return null;
    }

    private List<SignedRoot> TakeKept(long upTo)
    {
        var roots = new List<SignedRoot>();
        while (_kept.TryPeek(out var kept) && kept.Size <= upTo) roots.Add(new SignedRoot(_kept.Dequeue().Size, kept.Root));
        return roots;
    }

    private Checkpoint? Open(string? note) => note is null ? null : Checkpoint.Open(note, _trust.Key!, _origin);

    private void Report(string word, long seq, string detail) => _report(new ExportFinding(word, _hour, _zoneId, seq, detail));
}
