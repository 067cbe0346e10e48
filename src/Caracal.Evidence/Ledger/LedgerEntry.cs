namespace Caracal.Evidence.Ledger;

/// <summary>The content of one ledger row: an event after parsing, sanitising and canonicalising (audit.md 3, 4).</summary>
public sealed record LedgerEntry
{
    public required string Id { get; init; }

    public required string ZoneId { get; init; }

    public string EventType { get; init; } = "";

    public string RequestId { get; init; } = "";

    public string Decision { get; init; } = "";

    public string? PolicySetId { get; init; }

    public string? PolicySetVersionId { get; init; }

    public string? ManifestSha { get; init; }

    public string EvaluationStatus { get; init; } = "";

    /// <summary>Canonical jsonb text; null when absent or JSON null.</summary>
    public string? DeterminingPoliciesJson { get; init; }

    /// <summary>Canonical jsonb text; null when absent or JSON null.</summary>
    public string? DiagnosticsJson { get; init; }

    /// <summary>Canonical jsonb text; null when absent or JSON null.</summary>
    public string? MetadataJson { get; init; }

    /// <summary>What policy saw beyond the metadata, exactly as it came, in UTF-8; no part of the content, and kept elsewhere for a shorter time.</summary>
    public ReadOnlyMemory<byte>? PolicyInput { get; init; }

    /// <summary>UTC, truncated to the microsecond.</summary>
    public required DateTimeOffset OccurredAt { get; init; }
}
