using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;

namespace Caracal.Evidence.Receipts;

/// <summary>What somebody showed for a receipt: a leaf, the way from it to a root, and who signed the root.</summary>
public sealed record ReceiptProof
{
    public required long LeafIndex { get; init; }

    public required long TreeSize { get; init; }

    /// <summary>The leaf's data: 64 hex characters.</summary>
    public required string ContentSha256 { get; init; }

    public required IReadOnlyList<byte[]> Hashes { get; init; }

    /// <summary>The signed note of the tree.</summary>
    public required string Note { get; init; }

    /// <summary>The event itself: it has to give the content hash and to be the receipt's; null proves nothing.</summary>
    public required LedgerEntry? Entry { get; init; }

    /// <summary>Why this does not prove that the receipt's event is in the signed tree; null when it does. Nobody but the key is trusted.</summary>
    /// <param name="receipt">What is to be proven.</param>
    /// <param name="key">Who must have signed the tree.</param>
    /// <param name="kept">A tree of the zone that was kept elsewhere and that the proof was asked for; null takes any that the key signed.</param>
    public ReceiptFault? Refuse(Receipt receipt, NoteKey key, Checkpoint? kept = null)
    {
        var origin = Checkpoint.OriginOf(key.Name, receipt.ZoneId);
        var checkpoint = kept ?? Checkpoint.Open(Note, key, origin);
        if (checkpoint is null || checkpoint.Origin != origin) return new("checkpoint_mismatch", "the tree of the proof is not signed by the checkpoint key, or is another zone's");
        if (receipt.ContentSha256 is { } promised && promised != ContentSha256) return new("content_mismatch", "the ledger holds another content under the event of the receipt");
        if (!IsOf(receipt)) return new("content_mismatch", "what is shown as the event is not the event of the receipt, or does not give the content hash");
        return checkpoint.Size == TreeSize && MerkleProofs.VerifyInclusion(LeafIndex, TreeSize, MerkleTree.LeafHash(ContentSha256), Hashes, checkpoint.Root)
            ? null
            : new("proof_invalid", "the hashes do not lead from the event to the signed root");
    }

    // A content hash says nothing of an id by itself: the fields that give it have to.
    private bool IsOf(Receipt receipt) =>
        Entry is not null && Entry.Id == receipt.EventId && Entry.ZoneId == receipt.ZoneId && LedgerHash.Content(Entry) == ContentSha256;
}

/// <summary>Why a receipt is not proven.</summary>
/// <param name="Word">One word of the list in docs/operations/receipts.md.</param>
/// <param name="Detail">For people.</param>
public sealed record ReceiptFault(string Word, string Detail);
