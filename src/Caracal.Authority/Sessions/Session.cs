namespace Caracal.Authority.Sessions;

/// <summary>A governed Session: one run of an agent, or one service instance under a lease (coordinator.md 4, 5).</summary>
public sealed record Session
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string ApplicationId { get; init; } = "";
    public string? ParentId { get; init; }
    public string SubjectAuthorityRecordId { get; init; } = "";
    public string Status { get; init; } = "";
    public int Depth { get; init; }
    public string[] Labels { get; init; } = [];
    public int MaxChildren { get; init; }
    public int ChildCount { get; init; }
    public DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset LastActiveAt { get; init; }
    public DateTimeOffset? TerminatedAt { get; init; }

    /// <summary>Set on tasks only.</summary>
    public int? TtlSeconds { get; init; }
    public string MetadataJson { get; init; } = "{}";
    public DateTimeOffset UpdatedAt { get; init; }
    public string Lifecycle { get; init; } = "";

    /// <summary>Set on services only, like <see cref="HeartbeatDeadlineAt"/>.</summary>
    public DateTimeOffset? LastHeartbeatAt { get; init; }
    public DateTimeOffset? HeartbeatDeadlineAt { get; init; }
    public string? TerminationReason { get; init; }

    /// <summary>Fences older holders of a service lease; 0 on tasks.</summary>
    public long LeaseGeneration { get; init; }
}
