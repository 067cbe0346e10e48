namespace Caracal.Authority.Delegations;

/// <summary>What a Session holds over its live inbound edges together, as <c>…/effective-authority</c> answers (coordinator.md 8).</summary>
public sealed record EffectiveAuthority
{
    public IReadOnlyList<string> InboundEdges { get; init; } = [];
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>Row ids and identifiers together, sorted.</summary>
    public IReadOnlyList<string> Resources { get; init; } = [];
    public IReadOnlyList<string> ResourceIds { get; init; } = [];

    /// <summary>Every edge names its resources; a single broad one lifts the limit.</summary>
    public bool IsResourceConstrained { get; init; }
    public int MaxHops { get; init; }
    public int? TtlSeconds { get; init; }
    public DateTimeOffset? EarliestExpiresAt { get; init; }

    /// <summary>Adds up the live ones of <paramref name="inbound"/>; an edge whose constraints cannot be read gives nothing and is left out.</summary>
    public static EffectiveAuthority Of(IReadOnlyCollection<Delegation> inbound, DateTimeOffset now)
    {
        var edges = inbound
            .Where(edge => edge.IsLive(now))
            .Select(edge => (Edge: edge, Constraints: ConstraintReader.TryReadStored(edge.ConstraintsJson)!))
            .Where(pair => pair.Constraints is not null)
            .ToArray();
        if (edges.Length == 0)
        {
            return new EffectiveAuthority();
        }

        var resourceIds = Sorted(edges.Select(pair => pair.Edge.ResourceId).OfType<string>());
        return new EffectiveAuthority
        {
            InboundEdges = [.. edges.Select(pair => pair.Edge.Id)],
            Scopes = Sorted(edges.Select(pair => (IEnumerable<string>)pair.Edge.Scopes).Aggregate((left, right) => left.Intersect(right, StringComparer.Ordinal))),
            Resources = Sorted(resourceIds.Concat(edges.SelectMany(pair => pair.Constraints.Resources ?? []))),
            ResourceIds = resourceIds,
            IsResourceConstrained = edges.All(pair => !DelegationRules.IsBroad(pair.Edge.ResourceId, pair.Constraints)),
            MaxHops = edges.Min(pair => pair.Constraints.Hops),
            TtlSeconds = edges.Min(pair => pair.Constraints.TtlSeconds),
            EarliestExpiresAt = edges.Min(pair => pair.Edge.ExpiresAt),
        };
    }

    private static string[] Sorted(IEnumerable<string> values) =>
        [.. values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
