namespace Caracal.Sdk.Sessions;

internal sealed record StartBody
{
    public required string ApplicationId { get; init; }
    public string? SubjectSessionId { get; init; }
    public string? SubjectToken { get; init; }
    public string? ParentId { get; init; }
    public string? Lifecycle { get; init; }
    public int? TtlSeconds { get; init; }
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
    public IReadOnlyList<string>? Labels { get; init; }
    public required string ParentAuthority { get; init; }
}

internal sealed record StartedSession
{
    public string? AgentSessionId { get; init; }
    public string? SubjectAuthorityRecordId { get; init; }
    public string? DelegationEdgeId { get; init; }
    public DateTimeOffset? HeartbeatDeadlineAt { get; init; }
    public long? LeaseGeneration { get; init; }
}

internal sealed record LeaseState
{
    public string? Status { get; init; }
    public DateTimeOffset? HeartbeatDeadlineAt { get; init; }
    public long LeaseGeneration { get; init; }
}

internal sealed record HeartbeatBody(string Status, long LeaseGeneration);

internal sealed record HeartbeatAnswer(LeaseState? Agent);

internal sealed record CloseBody(long LeaseGeneration);

internal sealed record DelegationBody
{
    public required string SourceSessionId { get; init; }
    public required string TargetSessionId { get; init; }
    public required string IssuerApplicationId { get; init; }
    public required string ReceiverApplicationId { get; init; }
    public string? ParentEdgeId { get; init; }
    public string? ResourceId { get; init; }
    public required IReadOnlyList<string> Scopes { get; init; }
    public DelegationConstraints? Constraints { get; init; }
    public CallBudget? Budget { get; init; }
    public required int TtlSeconds { get; init; }
}

internal sealed record DelegationCreated(string? DelegationEdgeId, IReadOnlyList<string>? Scopes, DateTimeOffset ExpiresAt);

internal sealed record InboundDelegation(string? Id, string? Status);
