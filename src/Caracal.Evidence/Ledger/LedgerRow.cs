namespace Caracal.Evidence.Ledger;

/// <summary>A stored row of any hash chain: what <see cref="ChainVerifier"/> needs of it.</summary>
public interface IChainRow
{
    /// <summary>Zone id of the ledger, or <c>admin-audit:…</c> of an admin chain (operations.md 3.6).</summary>
    string Chain { get; }

    string RowId { get; }

    long ChainSeq { get; }

    string ContentSha256 { get; }

    /// <summary>Null or empty on the first row.</summary>
    string? PrevContentSha256 { get; }

    /// <summary>Null or empty when the row was written without a key (dev).</summary>
    string? ChainHmac { get; }

    /// <summary>Null on a legacy row: every loaded key is tried.</summary>
    string? HmacKeyId { get; }

    /// <summary>The content hash the row's own fields give.</summary>
    string ComputeContent();
}

/// <summary>The end of a chain: sequence number and content hash of its last row; <see cref="Empty"/> before the first.</summary>
public sealed record ChainHead(long Seq, string ContentSha256)
{
    public static ChainHead Empty { get; } = new(0, "");
}

/// <summary>A stored row of <c>audit_events</c> (audit.md 4).</summary>
public sealed record LedgerRow : IChainRow
{
    public required LedgerEntry Entry { get; init; }

    public required long ChainSeq { get; init; }

    public required string ContentSha256 { get; init; }

    public string? PrevContentSha256 { get; init; }

    public string? ChainHmac { get; init; }

    public string? HmacKeyId { get; init; }

    /// <summary>Key that matched the producer's <c>sig</c>.</summary>
    public string? IngestKeyId { get; init; }

    /// <summary>The producer's <c>sig</c>.</summary>
    public string? IngestSignature { get; init; }

    public DateTimeOffset IngestedAt { get; init; }

    string IChainRow.Chain => Entry.ZoneId;

    string IChainRow.RowId => Entry.Id;

    public ChainHead Head => new(ChainSeq, ContentSha256);

    public string ComputeContent() => LedgerHash.Content(Entry);
}
