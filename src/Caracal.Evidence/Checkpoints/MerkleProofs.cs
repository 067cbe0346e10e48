using System.Numerics;

namespace Caracal.Evidence.Checkpoints;

/// <summary>Where the nodes of a tree are read from.</summary>
public interface ITreeNodes
{
    /// <summary>Hashes of <paramref name="count"/> neighbouring complete subtrees.</summary>
    /// <param name="level">0 for leaf hashes, else a multiple of <see cref="TreeFrontier.LevelStep"/>.</param>
    /// <param name="first">Position of the first.</param>
    /// <param name="count">At most 255 above the leaves' level, 256 on any.</param>
    /// <param name="cancellationToken">Stops the read.</param>
    Task<IReadOnlyList<byte[]>> ReadAsync(int level, long first, int count, CancellationToken cancellationToken);
}

/// <summary>Makes the proofs of RFC 6962 2.1.1 and 2.1.2 from stored nodes, in logarithmically many reads.</summary>
/// <param name="nodes">The tree.</param>
public sealed class MerkleProver(ITreeNodes nodes)
{
    /// <summary>Hashes that lead from a leaf to the root of the tree of a size.</summary>
    public async Task<IReadOnlyList<byte[]>> InclusionAsync(long index, long size, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var path = new List<byte[]>();
        long start = 0;
        while (size - start > 1)
        {
            var split = start + LargestPowerBelow(size - start);
            if (index < split)
            {
                path.Add(await RangeAsync(split, size, cancellationToken));
                size = split;
            }
            else
            {
                path.Add(await RangeAsync(start, split, cancellationToken));
                start = split;
            }
        }

        path.Reverse();
        return path;
    }

    /// <summary>Hashes that show that the tree of <paramref name="newSize"/> begins with the tree of <paramref name="oldSize"/>.</summary>
    public async Task<IReadOnlyList<byte[]>> ConsistencyAsync(long oldSize, long newSize, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, newSize);
        var path = new List<byte[]>();
        if (oldSize == 0 || oldSize == newSize) return path;
        long start = 0;
        var end = newSize;
        while (oldSize != end)
        {
            var split = start + LargestPowerBelow(end - start);
            if (oldSize <= split)
            {
                path.Add(await RangeAsync(split, end, cancellationToken));
                end = split;
            }
            else
            {
                path.Add(await RangeAsync(start, split, cancellationToken));
                start = split;
            }
        }

        // The verifier knows the old root itself, unless it lies inside.
        if (start > 0) path.Add(await RangeAsync(start, end, cancellationToken));
        path.Reverse();
        return path;
    }

    /// <summary>The root of the tree of a size.</summary>
    public Task<byte[]> RootAsync(long size, CancellationToken cancellationToken) =>
        size == 0 ? Task.FromResult(MerkleTree.EmptyRoot) : RangeAsync(0, size, cancellationToken);

    private static long LargestPowerBelow(long count) => 1L << (63 - BitOperations.LeadingZeroCount((ulong)(count - 1)));

    // A range starts where a complete subtree of its size would: it is one, or splits into one and a shorter range.
    private async Task<byte[]> RangeAsync(long start, long end, CancellationToken cancellationToken)
    {
        var count = end - start;
        if (BitOperations.IsPow2(count))
        {
            var level = BitOperations.TrailingZeroCount(count);
            var stored = level / TreeFrontier.LevelStep * TreeFrontier.LevelStep;
            var width = 1 << (level - stored);
            return MerkleTree.Fold(await nodes.ReadAsync(stored, start >> stored, width, cancellationToken));
        }

        var split = start + LargestPowerBelow(count);
        var left = await RangeAsync(start, split, cancellationToken);
        var right = await RangeAsync(split, end, cancellationToken);
        return MerkleTree.NodeHash(left, right);
    }
}

/// <summary>Checks proofs as RFC 9162 2.1.3.2 and 2.1.4.2 say, with nothing but hashes.</summary>
public static class MerkleProofs
{
    public static bool VerifyInclusion(long index, long size, ReadOnlySpan<byte> leafHash, IReadOnlyList<byte[]> path, ReadOnlySpan<byte> root)
    {
        if (index < 0 || index >= size) return false;
        var (node, last) = (index, size - 1);
        var hash = leafHash.ToArray();
        foreach (var sibling in path)
        {
            if (last == 0) return false;
            if ((node & 1) == 1 || node == last)
            {
                hash = MerkleTree.NodeHash(sibling, hash);
                while ((node & 1) == 0 && node != 0) (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                hash = MerkleTree.NodeHash(hash, sibling);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && root.SequenceEqual(hash);
    }

    public static bool VerifyConsistency(long oldSize, long newSize, ReadOnlySpan<byte> oldRoot, ReadOnlySpan<byte> newRoot, IReadOnlyList<byte[]> path)
    {
        if (oldSize < 0 || oldSize > newSize) return false;
        if (oldSize == newSize) return path.Count == 0 && oldRoot.SequenceEqual(newRoot);
        if (oldSize == 0) return path.Count == 0 && oldRoot.SequenceEqual(MerkleTree.EmptyRoot);
        if (path.Count == 0) return false;

        // An old tree that is one complete subtree is itself the first hash.
        var first = BitOperations.IsPow2(oldSize) ? 0 : 1;
        var start = first == 0 ? oldRoot.ToArray() : path[0];
        var (node, last) = (oldSize - 1, newSize - 1);
        while ((node & 1) == 1) (node, last) = (node >> 1, last >> 1);
        var (oldHash, newHash) = (start, start);
        foreach (var hash in path.Skip(first))
        {
            if (last == 0) return false;
            if ((node & 1) == 1 || node == last)
            {
                oldHash = MerkleTree.NodeHash(hash, oldHash);
                newHash = MerkleTree.NodeHash(hash, newHash);
                while ((node & 1) == 0 && node != 0) (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                newHash = MerkleTree.NodeHash(newHash, hash);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && oldRoot.SequenceEqual(oldHash) && newRoot.SequenceEqual(newHash);
    }
}
