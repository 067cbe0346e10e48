using Caracal.Evidence.Ledger;

namespace Caracal.Evidence.AdminAudit;

/// <summary>One administrative change as the admin ledger records it (audit.md 5, api.md 3).</summary>
public sealed record AdminAuditEntry
{
    /// <summary>UUIDv7 text; a new one by default.</summary>
    public string Id { get; init; } = Guid.CreateVersion7().ToString();

    public required string RequestId { get; init; }

    public string? ActorId { get; init; }

    public string? ActorName { get; init; }

    public string? ActorScope { get; init; }

    /// <summary><c>METHOD path</c>.</summary>
    public required string Action { get; init; }

    public required string Method { get; init; }

    /// <summary>Without the query string.</summary>
    public required string Path { get; init; }

    /// <summary>Null for what belongs to no zone.</summary>
    public string? ZoneId { get; init; }

    public string? EntityType { get; init; }

    public string? EntityId { get; init; }

    public required int StatusCode { get; init; }

    /// <summary>Canonical jsonb text of the payload (<see cref="Canonical.CanonicalJson"/>); null when there is none.</summary>
    public string? PayloadJson { get; init; }

    /// <summary>Milliseconds are kept.</summary>
    public required DateTimeOffset OccurredAt { get; init; }
}

/// <summary>A stored row of <c>admin_audit_events</c>.</summary>
public sealed record AdminAuditRow : IChainRow
{
    public required AdminAuditEntry Entry { get; init; }

    public required long ChainSeq { get; init; }

    public required string ContentSha256 { get; init; }

    public string? PrevContentSha256 { get; init; }

    public string? ChainHmac { get; init; }

    public string? HmacKeyId { get; init; }

    string IChainRow.Chain => AdminAuditHash.ChainOf(Entry.ZoneId);

    string IChainRow.RowId => Entry.Id;

    public string ComputeContent() => AdminAuditHash.Content(Entry);
}
