namespace Caracal.Authority.Delegations;

/// <summary>An edge of the delegation graph: the source Session hands part of its authority to the target Session (coordinator.md 8).</summary>
public sealed record Delegation
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string SourceSessionId { get; init; } = "";
    public string TargetSessionId { get; init; } = "";
    public string IssuerApplicationId { get; init; } = "";
    public string ReceiverApplicationId { get; init; } = "";
    public string? ParentEdgeId { get; init; }

    /// <summary>Row id of the one resource the edge names; null when it names none or a list.</summary>
    public string? ResourceId { get; init; }
    public string[] Scopes { get; init; } = [];
    public string ConstraintsJson { get; init; } = "{}";
    public string Status { get; init; } = "";
    public DateTimeOffset ExpiresAt { get; init; }
    public long EdgeVersion { get; init; }
    public string EdgeKind { get; init; } = DelegationKind.Grant;
    public DateTimeOffset? RevokedAt { get; init; }
    public long? BudgetCalls { get; init; }
    public string? BudgetUnit { get; init; }

    /// <summary>How often it may be used; null when that is not counted.</summary>
    public DelegationBudget? Budget => BudgetCalls is { } calls ? new DelegationBudget(calls, BudgetUnit) : null;
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Live: active and unexpired. Only a live edge carries authority.</summary>
    public bool IsLive(DateTimeOffset now) => Status == DelegationStatus.Active && ExpiresAt > now;
}

/// <summary>The states of an edge.</summary>
public static class DelegationStatus
{
    public const string Active = "active";
    public const string Revoked = "revoked";
    public const string Expired = "expired";
}

/// <summary>A grant is made by a caller; a mirror repeats the parent's edge for a child that inherits (coordinator.md 19.6).</summary>
public static class DelegationKind
{
    public const string Grant = "grant";
    public const string Mirror = "mirror";
}

/// <summary>The fixed limits of coordinator.md 8.</summary>
public static class DelegationLimits
{
    public const int MaximumResources = 64;
    public const int MaximumDepth = 10;
    public const int MaximumHops = 10;
    public const int DefaultHops = 1;
    public const int MaximumBudget = 64;
    public const int MaximumTtlSeconds = 86_400;
    public const int MaximumReasonLength = 256;

    /// <summary>How far cycle search, traversal and revocation follow the graph.</summary>
    public const int TraversalDepth = 10;
}
