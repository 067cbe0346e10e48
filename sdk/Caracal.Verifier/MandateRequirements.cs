namespace Caracal.Verifier;

/// <summary>What a mandate must carry for one resource server or route (gateway.md B1, the rows a route may change).</summary>
public sealed record MandateRequirements
{
    /// <summary>No chain of delegations is longer, and no setting allows a longer one by being absent.</summary>
    public const int DefaultMaximumHops = 10;

    /// <summary>Scopes that must all be present.</summary>
    public IReadOnlyList<string> RequiredScopes { get; init; } = [];

    /// <summary>Resource ids that must all be among the mandate's targets.</summary>
    public IReadOnlyList<string> RequiredTargets { get; init; } = [];

    /// <summary>The class of mandate that is accepted.</summary>
    public string RequiredUse { get; init; } = "resource";

    /// <summary>True accepts only mandates of a governed Session.</summary>
    public bool RequireSession { get; init; }

    /// <summary>True accepts only delegated mandates.</summary>
    public bool RequireDelegation { get; init; }

    /// <summary>Application ids that must all appear in the delegation chain.</summary>
    public IReadOnlyList<string> RequireChainContains { get; init; } = [];

    /// <summary>Hops at most; zero and less mean 10.</summary>
    public int MaxHopCount { get; init; }
}

/// <summary>What a route changes of its server's requirements. What is null stays; a list replaces, it does not add.</summary>
public sealed record MandateOverrides
{
    public IReadOnlyList<string>? RequiredScopes { get; init; }
    public IReadOnlyList<string>? RequiredTargets { get; init; }
    public string? RequiredUse { get; init; }
    public bool? RequireSession { get; init; }
    public bool? RequireDelegation { get; init; }
    public IReadOnlyList<string>? RequireChainContains { get; init; }
    public int? MaxHopCount { get; init; }

    /// <summary>The requirements of the route.</summary>
    public MandateRequirements ApplyTo(MandateRequirements server) => new()
    {
        RequiredScopes = RequiredScopes ?? server.RequiredScopes,
        RequiredTargets = RequiredTargets ?? server.RequiredTargets,
        RequiredUse = RequiredUse ?? server.RequiredUse,
        RequireSession = RequireSession ?? server.RequireSession,
        RequireDelegation = RequireDelegation ?? server.RequireDelegation,
        RequireChainContains = RequireChainContains ?? server.RequireChainContains,
        MaxHopCount = MaxHopCount ?? server.MaxHopCount,
    };
}
