namespace Caracal.Sdk;

/// <summary>Bounds of a Delegation; null leaves a bound out. The Coordinator knows these and no others.</summary>
public sealed record DelegationConstraints
{
    /// <summary>Resource identifiers, at most 64.</summary>
    public IReadOnlyList<string>? Resources { get; init; }

    /// <summary>1 to 10; the older name of <see cref="MaxHops"/>.</summary>
    public int? MaxDepth { get; init; }

    /// <summary>How often it may be handed on, 1 to 10; 1 when left out.</summary>
    public int? MaxHops { get; init; }

    /// <summary>Bounds how far authority may be narrowed, 1 to 64; not counted.</summary>
    public int? Budget { get; init; }

    /// <summary>1 to 86,400.</summary>
    public int? TtlSeconds { get; init; }

    public bool? PolicyApproved { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>At most 256 characters.</summary>
    public string? BroadReason { get; init; }
}

/// <summary>How often a Delegation may be spent at the Gateway.</summary>
/// <param name="Calls">1 to 1,000,000,000.</param>
/// <param name="Unit">What one use is, for people; at most 64 characters.</param>
public sealed record CallBudget(long Calls, string? Unit = null);

/// <summary>An offer of authority to another Session.</summary>
/// <param name="ToSession">The Session that may accept it.</param>
/// <param name="Scopes">A part of what this Session holds.</param>
/// <param name="TtlSeconds">More than 0, at most 86,400.</param>
public sealed record DelegationOffer(string ToSession, IReadOnlyList<string> Scopes, int TtlSeconds)
{
    /// <summary>The other Session's application; null for our own.</summary>
    public string? ToApplication { get; init; }

    /// <summary>Public identifier or id; null when the constraints name resources.</summary>
    public string? ResourceId { get; init; }

    public DelegationConstraints? Constraints { get; init; }

    public CallBudget? Budget { get; init; }
}

/// <summary>A Delegation that was made.</summary>
public sealed record DelegationGrant(string DelegationId, IReadOnlyList<string> Scopes, DateTimeOffset ExpiresAt);
