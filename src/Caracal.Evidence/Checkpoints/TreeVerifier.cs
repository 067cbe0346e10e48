using Caracal.Evidence.Ledger;

namespace Caracal.Evidence.Checkpoints;

/// <summary>A root that somebody vouches for.</summary>
/// <param name="Size">Number of rows.</param>
/// <param name="Root">Their root.</param>
/// <param name="Edge">The tree's right edge at this size, true to the root; null when it is not known.</param>
public sealed record SignedRoot(long Size, byte[] Root, TreeFrontier? Edge = null);

/// <summary>Recomputes a zone's tree from its rows and compares it with every signed root it passes.</summary>
/// <remarks>Chain MACs tell who holds the audit key; only these roots tell whether history was rewritten by such a one.</remarks>
/// <param name="zoneId">The zone.</param>
/// <param name="report">Takes each root the rows do not give.</param>
/// <param name="agreed">Takes each root the rows give; one that a gap hides goes to neither.</param>
public sealed class TreeVerifier(string zoneId, Action<ChainFinding> report, Action<SignedRoot>? agreed = null)
{
    private readonly Queue<SignedRoot> _expected = new();
    private TreeFrontier? _frontier = new();
    private long _agreed;
    private long _last;

    /// <summary>Rows up to here are proven to be the ones that were signed.</summary>
    public long ProvenSize { get; private set; }

    /// <summary>Starts at an edge that was reached before, or in the middle with an edge to come.</summary>
    public void StartAt(long size, TreeFrontier? edge) => (_frontier, _agreed, _last) = (edge, size, size);

    /// <summary>Adds a root to compare with; sizes rise.</summary>
    public void Expect(SignedRoot root)
    {
        if (root.Size > _agreed) _expected.Enqueue(root);
    }

    /// <summary>The tree as far as it was walked; null while a gap hides it.</summary>
    public TreeFrontier? Frontier => _frontier;

    public void Add(long seq, string contentSha256)
    {
        _last = seq;

        // A gap the chain walk explains or reports: the tree is known again at the next signed edge.
        if (_frontier is not null && seq != _frontier.Size + 1) _frontier = null;
        _frontier?.Add(MerkleTree.LeafHash(contentSha256));
        while (_expected.TryPeek(out var root) && root.Size <= seq)
        {
            _expected.Dequeue();
            Compare(root);
        }
    }

    /// <summary>Every root left lies behind the last row: rows that were signed are gone, unless it is known who removed them.</summary>
    /// <param name="isDropped">Whether all rows from one to another were removed by retention.</param>
    public void Complete(Func<long, long, bool>? isDropped = null)
    {
        if (_expected.FirstOrDefault(left => isDropped?.Invoke(_last + 1, left.Size) != true) is { } root) Fail(root, "rows that were signed are missing at the end");
        _expected.Clear();
    }

    private void Compare(SignedRoot root)
    {
        if (_frontier?.Size == root.Size)
        {
            if (_frontier.Root.AsSpan().SequenceEqual(root.Root))
            {
                ProvenSize = root.Size;
                agreed?.Invoke(root);
            }
            else
            {
                Fail(root, $"rows {_agreed + 1} to {root.Size} are not the ones that were signed");
            }
        }

        // Later rows are judged by what was signed, not by what somebody put before them.
        _frontier = root.Edge ?? _frontier;
        _agreed = root.Size;
    }

    private void Fail(SignedRoot root, string detail) =>
        report(new ChainFinding(ChainFault.CheckpointMismatch, zoneId, _agreed + 1, null, root.Size, null, detail));
}
