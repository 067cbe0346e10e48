using System.Numerics;

namespace Caracal.Evidence.Checkpoints;

/// <summary>A complete subtree that later proofs need: <paramref name="Level"/> is a multiple of 8, so it has 256, 65,536, … leaves.</summary>
public readonly record struct TreeNode(int Level, long Position, byte[] Hash);

/// <summary>
/// A growing tree of which only the right edge is kept: one hash per set bit of its size. Enough to append, and to give the
/// root of every size it passes.
/// </summary>
public sealed class TreeFrontier
{
    /// <summary>Levels between stored nodes: proofs read at most 255 hashes of each.</summary>
    public const int LevelStep = 8;

    private readonly List<byte[]> _edge = [];

    /// <summary>Number of leaves.</summary>
    public long Size { get; private set; }

    /// <summary>The root hash of everything appended so far.</summary>
    public byte[] Root
    {
        get
        {
            if (_edge.Count == 0) return MerkleTree.EmptyRoot;
            var root = _edge[^1];
            for (var i = _edge.Count - 2; i >= 0; i--) root = MerkleTree.NodeHash(_edge[i], root);
            return root;
        }
    }

    /// <summary>Appends a leaf; complete subtrees worth storing go to <paramref name="completed"/>.</summary>
    public void Add(byte[] leafHash, ICollection<TreeNode>? completed = null)
    {
        var hash = leafHash;
        Size++;

        // Each trailing zero of the new size is a pair of equal subtrees that becomes one.
        var levels = BitOperations.TrailingZeroCount(Size);
        for (var level = 1; level <= levels; level++)
        {
            hash = MerkleTree.NodeHash(_edge[^1], hash);
            _edge.RemoveAt(_edge.Count - 1);
            if (level % LevelStep == 0) completed?.Add(new TreeNode(level, (Size >> level) - 1, hash));
        }

        _edge.Add(hash);
    }

    /// <summary>The edge as base64, largest subtree first.</summary>
    public string Export() => Convert.ToBase64String([.. _edge.SelectMany(hash => hash)]);

    /// <summary>Restores an edge; null when it does not fit the size. Whether it is true shows in its <see cref="Root"/>.</summary>
    public static TreeFrontier? Import(long size, string text)
    {
        Span<byte> bytes = new byte[64 * MerkleTree.HashSize];
        if (size < 0 || !Convert.TryFromBase64String(text, bytes, out var length)) return null;
        if (length != BitOperations.PopCount((ulong)size) * MerkleTree.HashSize) return null;
        var frontier = new TreeFrontier { Size = size };
        for (var at = 0; at < length; at += MerkleTree.HashSize) frontier._edge.Add(bytes.Slice(at, MerkleTree.HashSize).ToArray());
        return frontier;
    }
}
