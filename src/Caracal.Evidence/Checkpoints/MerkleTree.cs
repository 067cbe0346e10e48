using System.Security.Cryptography;

namespace Caracal.Evidence.Checkpoints;

/// <summary>The hashes of an RFC 6962 tree. The leaf of a ledger row is its 32-byte content hash; leaf <c>i</c> is sequence <c>i + 1</c>.</summary>
public static class MerkleTree
{
    public const int HashSize = SHA256.HashSizeInBytes;

    private const byte LeafPrefix = 0;
    private const byte NodePrefix = 1;

    /// <summary>The root of a tree without leaves: the hash of nothing.</summary>
    public static byte[] EmptyRoot => SHA256.HashData([]);

    public static byte[] LeafHash(ReadOnlySpan<byte> data)
    {
        Span<byte> preimage = data.Length < 64 ? stackalloc byte[1 + data.Length] : new byte[1 + data.Length];
        preimage[0] = LeafPrefix;
        data.CopyTo(preimage[1..]);
        return SHA256.HashData(preimage);
    }

    /// <summary>The leaf of a ledger row. A stored hash that is no hash still has to give a leaf: the walk must not stop at it.</summary>
    /// <param name="contentSha256">64 hex characters.</param>
    public static byte[] LeafHash(string contentSha256)
    {
        Span<byte> content = stackalloc byte[HashSize];
        return contentSha256.Length == HashSize * 2
            && Convert.FromHexString(contentSha256, content, out _, out _) == System.Buffers.OperationStatus.Done
            ? LeafHash(content)
            : LeafHash(System.Text.Encoding.UTF8.GetBytes(contentSha256));
    }

    public static byte[] NodeHash(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> preimage = stackalloc byte[1 + (2 * HashSize)];
        preimage[0] = NodePrefix;
        left.CopyTo(preimage[1..]);
        right.CopyTo(preimage[(1 + HashSize)..]);
        return SHA256.HashData(preimage);
    }

    /// <summary>The root over neighbouring nodes whose number is a power of two.</summary>
    public static byte[] Fold(IReadOnlyList<byte[]> nodes)
    {
        var row = nodes;
        while (row.Count > 1)
        {
            var above = new byte[row.Count / 2][];
            for (var i = 0; i < above.Length; i++) above[i] = NodeHash(row[2 * i], row[(2 * i) + 1]);
            row = above;
        }

        return row[0];
    }
}
