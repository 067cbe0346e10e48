namespace Caracal.Storage.TokenExchange;

/// <summary>What minting writes in one transaction (sts.md 6.4, B10, B19, 8.4).</summary>
public sealed record NewAuthorityRecord
{
    public required string Id { get; init; }
    public required string ZoneId { get; init; }
    public required string SessionType { get; init; }
    public required string SubjectId { get; init; }
    public string? ParentId { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public required DateTimeOffset Now { get; init; }

    /// <summary>The <see cref="ExchangeFacts.AuthorityVersion"/> of the facts that granted this; null has everything looked at again.</summary>
    public long? FactsVersion { get; init; }

    /// <summary>The Gateway mandate spent by this exchange; null outside Gateway exchanges.</summary>
    public string? UsedJti { get; init; }
    public DateTimeOffset UsedJtiIssuedAt { get; init; }
    public DateTimeOffset UsedJtiExpiresAt { get; init; }

    /// <summary>The approval spent by this exchange, or null.</summary>
    public string? ApprovalId { get; init; }
}

/// <summary>What came of writing a record; the default means nothing was written.</summary>
public enum RecordOutcome
{
    AuthorityGone,
    MandateAlreadyUsed,
    ApprovalAlreadyConsumed,
    Written,
}
