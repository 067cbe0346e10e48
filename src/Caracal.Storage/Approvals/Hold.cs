namespace Caracal.Storage.Approvals;

/// <summary>A human-approval hold, table <c>step_up_challenges</c> (sts.md 8.1).</summary>
public sealed class Hold
{
    public string Id { get; set; } = "";
    public string ZoneId { get; set; } = "";

    /// <summary>Authority record id; empty when the request had none.</summary>
    public string SessionId { get; set; } = "";
    public string ChallengeType { get; set; } = "human_approval";
    public string PrincipalId { get; set; } = "";
    public string? ApplicationId { get; set; }
    public string? Tier { get; set; }
    public string ApproverClass { get; set; } = "operator";
    public string PrivacyMode { get; set; } = "identified";
    public string? SubjectAnchor { get; set; }

    /// <summary>The binding hash, 32 bytes.</summary>
    public byte[] ResourceSetHash { get; set; } = [];
    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset ExpiresAt { get; set; }
    public DateTimeOffset? SatisfiedAt { get; set; }
    public DateTimeOffset? RejectedAt { get; set; }
    public DateTimeOffset? ConsumedAt { get; set; }
    public string? ConsumedAuthorityRecordId { get; set; }
    public string? ApproverSubjectId { get; set; }
    public string? ApproverSessionId { get; set; }
    public string MetadataJson { get; set; } = "{}";

    /// <summary>The metadata as it is bound to a statement.</summary>
    public JsonText Metadata => new(MetadataJson);

    /// <summary>consumed, rejected, expired, approved or pending: the first that holds.</summary>
    public string StateAt(DateTimeOffset now) =>
        ConsumedAt is not null ? "consumed"
        : RejectedAt is not null ? "rejected"
        : ExpiresAt <= now ? "expired"
        : SatisfiedAt is not null ? "approved"
        : "pending";
}
