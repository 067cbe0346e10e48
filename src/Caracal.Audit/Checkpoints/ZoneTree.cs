using Caracal.Evidence.Checkpoints;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Checkpoints;

/// <summary>A proof needs a row or node that is not there any more.</summary>
public sealed class TreeIncompleteException(string zoneId, int level, long first)
    : Exception($"the tree of zone {zoneId} lacks nodes of level {level} from {first} on");

/// <summary>The tree of one zone as it is stored: leaves are the rows, subtrees of 256, 65,536, … leaves are kept beside them.</summary>
/// <param name="store">Rows and nodes.</param>
/// <param name="zoneId">The zone.</param>
public sealed class ZoneTree(CheckpointStore store, string zoneId) : ITreeNodes
{
    public async Task<IReadOnlyList<byte[]>> ReadAsync(int level, long first, int count, CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> hashes = level == 0
            ? [.. (await store.ContentsAsync(zoneId, first, count, cancellationToken)).Select(MerkleTree.LeafHash)]
            : [.. (await store.NodesAsync(zoneId, level, first, count, cancellationToken)).Select(Convert.FromBase64String)];
        return hashes.Count == count ? hashes : throw new TreeIncompleteException(zoneId, level, first);
    }
}
