namespace Caracal.Storage.Rotations;

/// <summary>One row of <c>key_rotations</c>.</summary>
public sealed record RotationRow
{
    public string Id { get; init; } = "";
    public string Class { get; init; } = "";

    /// <summary>Empty for a class of the whole deployment.</summary>
    public string Scope { get; init; } = "";
    public string State { get; init; } = "";
    public string? FromSid { get; init; }
    public string ToSid { get; init; } = "";
    public string Location { get; init; } = "";
    public string VersionLabel { get; init; } = "";
    public string ReasonKind { get; init; } = "";
    public string Reason { get; init; } = "";
    public string Actor { get; init; } = "";
    public string? ActorTokenId { get; init; }
    public long OverlapSeconds { get; init; }
    public long RollbackWindowSeconds { get; init; }
    public bool Emergency { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? RolledAt { get; init; }
    public DateTimeOffset? VerifiedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>One key as the registry knows it.</summary>
public sealed record RegisteredKey
{
    public string Class { get; init; } = "";
    public string Scope { get; init; } = "";
    public string Sid { get; init; } = "";
    public string? KeyId { get; init; }
    public string State { get; init; } = "";
    public DateTimeOffset FirstSeenAt { get; init; }
    public DateTimeOffset? ActivatedAt { get; init; }
    public DateTimeOffset? RetiredAt { get; init; }
    public string? RotationId { get; init; }
}
