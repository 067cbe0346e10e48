using System.Text;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Export;

/// <summary>
/// The tree of one zone while an hour of its rows is written: says where the hour starts and ends in signed words, and
/// says nothing when the rows are not the ones that were signed before.
/// </summary>
internal sealed class ZoneEdge
{
    private const int PageSize = 10_000;

    private readonly CheckpointStore _store;
    private readonly NoteSigner _signer;
    private readonly string _zoneId;
    private readonly string _origin;
    private readonly TreeVerifier _tree;
    private readonly List<ChainFinding> _faults;
    private readonly Queue<StoredCheckpoint> _signed = new();
    private long _loaded;
    private bool _complete;

    private ZoneEdge(CheckpointStore store, NoteSigner signer, string zoneId, TreeFrontier? edge, long size)
    {
        (_store, _signer, _zoneId) = (store, signer, zoneId);
        _origin = Evidence.Checkpoints.Checkpoint.OriginOf(signer.Key.Name, zoneId);
        var faults = new List<ChainFinding>();
        _tree = new TreeVerifier(zoneId, faults.Add);
        _faults = faults;
        _tree.StartAt(size, edge);
        _loaded = size;
        if (edge is not { Size: > 0 }) return;
        StartCheckpoint = Note(edge);
        StartFrontier = edge.Export();
    }

    public string? StartCheckpoint { get; }
    public string? StartFrontier { get; }

    /// <summary>Opens the tree after a sequence number, from the last checkpoint before it.</summary>
    public static async Task<ZoneEdge> OpenAsync(
        CheckpointStore store, NoteSigner signer, string zoneId, long after, CancellationToken cancellationToken)
    {
        if (after == 0) return new ZoneEdge(store, signer, zoneId, new TreeFrontier(), 0);
        var origin = Evidence.Checkpoints.Checkpoint.OriginOf(signer.Key.Name, zoneId);
        var edge = new TreeFrontier();
        if (await store.LastUpToAsync(zoneId, after, cancellationToken) is { } last)
        {
            // An edge that no signature vouches for would certify whatever somebody put before it.
            edge = Evidence.Checkpoints.Checkpoint.Open(last.Note, signer.Key, origin) is { } checkpoint && checkpoint.Size == last.TreeSize
                && TreeFrontier.Import(last.TreeSize, last.Frontier) is { } stored && stored.Root.AsSpan().SequenceEqual(checkpoint.Root) ? stored : null;
        }

        while (edge is not null && edge.Size < after)
        {
            var contents = await store.ContentsAsync(zoneId, edge.Size, (int)Math.Min(PageSize, after - edge.Size), cancellationToken);
            foreach (var content in contents) edge.Add(MerkleTree.LeafHash(content));
            if (contents.Count == 0) edge = null;
        }

        return new ZoneEdge(store, signer, zoneId, edge, after);
    }

    public async Task AddAsync(LedgerRow row, CancellationToken cancellationToken)
    {
        if (!_complete && _loaded < row.ChainSeq)
        {
            var page = await _store.AfterAsync(_zoneId, _loaded, 500, cancellationToken);
            _complete = page.Count < 500;
            foreach (var stored in page)
            {
                _loaded = stored.TreeSize;
                if (Evidence.Checkpoints.Checkpoint.Open(stored.Note, _signer.Key, _origin) is not { } checkpoint) continue;
                _tree.Expect(new SignedRoot(checkpoint.Size, checkpoint.Root));
                _signed.Enqueue(stored);
            }
        }

        _tree.Add(row.ChainSeq, row.ContentSha256);
        if (row.ComputeContent() != row.ContentSha256) _faults.Add(new ChainFinding(ChainFault.ContentMismatch, _zoneId, row.ChainSeq, row.Entry.Id, 0, null, "the row's fields do not give its content hash"));
    }

    /// <summary>The checkpoint of everything up to the last row; null when it must not be signed.</summary>
    public string? Checkpoint() => _faults.Count == 0 && _tree.Frontier is { } edge ? Note(edge) : null;

    /// <summary>Why there is no checkpoint.</summary>
    public string Fault => _faults.Count > 0 ? _faults[0].Detail : "rows are missing, or the tree before them is not known";

    /// <summary>The newest checkpoint up to a sequence number that somebody cosigned.</summary>
    public async Task<string?> WitnessedAsync(long upTo, CancellationToken cancellationToken)
    {
        foreach (var stored in _signed.Reverse().SkipWhile(stored => stored.TreeSize > upTo).Take(100))
        {
            var lines = (await _store.ProofsAsync(_zoneId, stored.TreeSize, cancellationToken)).Where(proof => proof.Kind == CheckpointStore.Cosignature).ToList();
            if (lines.Count == 0) continue;
            var note = new StringBuilder(stored.Note);
            foreach (var line in lines) note.Append(line.Body).Append('\n');
            return note.ToString();
        }

        return null;
    }

    /// <summary>The newest checkpoint of the rows added that was time-stamped, and its token; nulls when there is none.</summary>
    public async Task<(string? Note, string? Token)> TimeStampedAsync(long after, long upTo, CancellationToken cancellationToken)
    {
        foreach (var stamp in (await _store.TimeStampsAsync(_zoneId, after, upTo, cancellationToken)).Reverse())
        {
            // A note that the key did not sign is nothing that a stamp could make better.
            if (await _store.FindAsync(_zoneId, stamp.TreeSize, cancellationToken) is { } stored
                && Evidence.Checkpoints.Checkpoint.Open(stored.Note, _signer.Key, _origin) is not null) return (stored.Note, stamp.Body);
        }

        return default;
    }

    // Ed25519 signs the same text with the same bytes, so an hour that is made again carries the same notes.
    private string Note(TreeFrontier edge) =>
        SignedNote.Sign(new Checkpoint(_origin, edge.Size, edge.Root).Text, _signer, DateTimeOffset.UnixEpoch);
}
