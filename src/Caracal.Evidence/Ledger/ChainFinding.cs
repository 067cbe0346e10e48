namespace Caracal.Evidence.Ledger;

/// <summary>Kinds of <see cref="ChainFinding"/>; the wire words are those of audit.md 6.</summary>
public enum ChainFault
{
    /// <summary><c>content_mismatch</c>: the row's fields do not give its content hash.</summary>
    ContentMismatch,

    /// <summary><c>chain_break</c>: a row is missing, doubled or linked to something else.</summary>
    ChainBreak,

    /// <summary><c>hmac_mismatch</c>: no key made this chain MAC, or a seal does not hold.</summary>
    HmacMismatch,

    /// <summary><c>checkpoint_mismatch</c>: the rows are not the ones a signed checkpoint covers.</summary>
    CheckpointMismatch,
}

/// <summary>One proof of tampering: which row, in which chain, at which place.</summary>
/// <param name="Fault">What is wrong.</param>
/// <param name="Chain">Zone id, or <c>admin-audit:…</c>.</param>
/// <param name="ChainSeq">Sequence number of the row, or of the first missing one.</param>
/// <param name="RowId">Id of the row; null when the row is missing.</param>
/// <param name="PrevSeq">Sequence number of the row before, for a break.</param>
/// <param name="HmacKeyId">Key id the row names, for a MAC.</param>
/// <param name="Detail">One sentence for people.</param>
public sealed record ChainFinding(
    ChainFault Fault, string Chain, long ChainSeq, string? RowId, long PrevSeq, string? HmacKeyId, string Detail)
{
    /// <summary><c>content_mismatch</c>, <c>chain_break</c> or <c>hmac_mismatch</c>.</summary>
    public string Word => Fault switch
    {
        ChainFault.ContentMismatch => "content_mismatch",
        ChainFault.ChainBreak => "chain_break",
        ChainFault.CheckpointMismatch => "checkpoint_mismatch",
        _ => "hmac_mismatch",
    };
}

/// <summary>Rows that name a key nobody holds: not tampering, but not verified either.</summary>
public sealed record UnknownKeyRows(string Chain, string KeyId, long Count);

/// <summary>Rows of a sealed epoch from the time on when others may have had its key: nobody changed them since the seal, but who wrote them is unknown (operations.md 10).</summary>
/// <param name="Chain">Zone id, or <c>admin-audit:…</c>.</param>
/// <param name="KeyId">The key.</param>
/// <param name="FirstSeq">The first of them.</param>
/// <param name="LastSeq">The end of the epoch.</param>
/// <param name="UntrustedAfter">Since when.</param>
public sealed record UntrustedRows(string Chain, string KeyId, long FirstSeq, long LastSeq, DateTimeOffset UntrustedAfter);

/// <summary>The result of a walk; findings beyond <see cref="ChainSweep.MaxFindings"/> are counted, not kept.</summary>
public sealed record ChainReport(
    long Checked, long Mismatches, long Breaks, long HmacFailures,
    IReadOnlyList<ChainFinding> Findings, IReadOnlyList<UnknownKeyRows> UnknownKeys, long CheckpointFaults = 0)
{
    /// <summary>What is marked as untrusted in the chains that were walked. A mark is no finding: it says what to compare with exports.</summary>
    public IReadOnlyList<UntrustedRows> Untrusted { get; init; } = [];

    public bool IsClean => Mismatches + Breaks + HmacFailures + CheckpointFaults == 0;
}

/// <summary>What a walk is measured against.</summary>
public sealed record ChainSweep
{
    /// <summary>Findings kept in the report; the rest is only counted.</summary>
    public int MaxFindings { get; init; } = 1000;

    /// <summary>Chain heads read before the rows: a walk that ends earlier has lost its tail. Chains not listed are not checked for it.</summary>
    public IReadOnlyDictionary<string, ChainHead> Heads { get; init; } = new Dictionary<string, ChainHead>(StringComparer.Ordinal);

    /// <summary>Row before the first one walked, for a window that starts inside a chain. Chains not listed must start at sequence 1.</summary>
    public IReadOnlyDictionary<string, ChainHead> Predecessors { get; init; } = new Dictionary<string, ChainHead>(StringComparer.Ordinal);

    /// <summary>Chains of <see cref="Predecessors"/> whose row there names no key: only behind those may a window start with rows that name none.</summary>
    public IReadOnlySet<string> LegacyStarts { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Whether a gap is explained by recorded partition drops (audit.md 7).</summary>
    public Func<string, long, long, bool> IsDropped { get; init; } = static (_, _, _) => false;

    /// <summary>Sealed epochs of the chains.</summary>
    public IReadOnlyList<SealedEpoch> Epochs { get; init; } = [];

    /// <summary>Key ids marked compromised: their MACs prove nothing, only their seals do.</summary>
    public IReadOnlySet<string> CompromisedKeys { get; init; } = new HashSet<string>(StringComparer.Ordinal);
}
