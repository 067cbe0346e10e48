using Caracal.Protocol;

namespace Caracal.Authority.Delegations;

/// <summary>What an edge gives, in the terms of the narrowing rule.</summary>
/// <param name="Scopes">Its scopes.</param>
/// <param name="Reach">Its resources.</param>
/// <param name="ExpiresAt">The edge's own expiry.</param>
/// <param name="Constraints">Its normalised constraints.</param>
public sealed record DelegatedAuthority(
    IReadOnlyCollection<string> Scopes, ResourceReach Reach, DateTimeOffset ExpiresAt, DelegationConstraints Constraints)
{
    /// <summary>When it really ends: the STS clamps to the constraint as well as to the edge.</summary>
    public DateTimeOffset EffectiveExpiry => Constraints.Expiry is { } limit && limit < ExpiresAt ? limit : ExpiresAt;

    /// <summary>How many minted tokens it allows; the number of scopes when it does not say.</summary>
    public int EffectiveBudget => Constraints.Budget ?? Scopes.Count;
}

/// <summary>The delegation a new one comes from, or that it comes from the source's own authority; the default does neither.</summary>
/// <param name="Parent">Null for root authority.</param>
/// <param name="Refusal">Set when no authority was found.</param>
public readonly record struct ParentChoice(Delegation? Parent, Refusal? Refusal);

/// <summary>Authority only narrows: the decisions of coordinator.md 8.</summary>
public static class DelegationRules
{
    /// <summary>
    /// Step 1: the body's time, else the constraint's, else now plus the TTL of the constraints, in which the body's
    /// TTL has been filled in; null when nothing is named.
    /// </summary>
    public static DateTimeOffset? Expiry(DateTimeOffset? bodyExpiresAt, DelegationConstraints constraints, DateTimeOffset now) =>
        bodyExpiresAt ?? constraints.Expiry ?? (constraints.TtlSeconds is { } ttl ? now.AddSeconds(ttl) : null);

    /// <summary>Step 4: no resource is named in either form.</summary>
    public static bool IsBroad(string? resource, DelegationConstraints constraints) =>
        resource is null && constraints.Resources is not { Count: > 0 };

    /// <summary>
    /// Step 9: which of the source's inbound edges the new one comes from. A Session that ever held an edge is no root,
    /// so that an edge running out never turns its holder into a source of authority (coordinator.md 19.7).
    /// </summary>
    public static ParentChoice ChooseParent(IReadOnlyCollection<Delegation> inbound, string? parentEdgeId, DateTimeOffset now)
    {
        var live = inbound.Where(edge => edge.IsLive(now)).ToArray();
        if (live.Length == 0)
        {
            return inbound.Count == 0 && parentEdgeId is null
                ? new ParentChoice(null, null)
                : new ParentChoice(null, DelegationRefusals.ParentNotActive);
        }

        if (parentEdgeId is not null)
        {
            var named = Array.Find(live, edge => edge.Id == parentEdgeId);
            return new ParentChoice(named, named is null ? DelegationRefusals.ParentNotActive : null);
        }

        return live.Length == 1
            ? new ParentChoice(live[0], null)
            : new ParentChoice(null, DelegationRefusals.ParentAmbiguous);
    }

    /// <summary>True when <paramref name="child"/> holds nothing that <paramref name="parent"/> does not.</summary>
    public static bool Narrows(DelegatedAuthority parent, DelegatedAuthority child) =>
        NarrowsScopes(parent, child)
        && child.EffectiveExpiry <= parent.EffectiveExpiry
        && parent.Reach.Covers(child.Reach)
        && NarrowsHops(parent.Constraints, child.Constraints)
        && NarrowsTtl(parent.Constraints, child.Constraints)
        && NarrowsBudget(parent, child);

    /// <summary>
    /// The constraints to store: under a parent with a budget the child's default is written down, because a silent
    /// default would free the child's own children from it.
    /// </summary>
    public static DelegationConstraints SettleBudget(DelegatedAuthority? parent, DelegatedAuthority child) =>
        parent?.Constraints.Budget is not null && child.Constraints.Budget is null
            ? child.Constraints with { Budget = Math.Max(1, child.Scopes.Count) }
            : child.Constraints;

    /// <summary>Step 10: whether live edges lead from <paramref name="from"/> to <paramref name="to"/> within the traversal depth.</summary>
    public static bool Leads(IReadOnlyCollection<Delegation> edges, string from, string to, DateTimeOffset now)
    {
        var next = edges.Where(edge => edge.IsLive(now)).ToLookup(edge => edge.SourceSessionId, edge => edge.TargetSessionId, StringComparer.Ordinal);
        var frontier = new HashSet<string>(StringComparer.Ordinal) { from };
        var seen = new HashSet<string>(StringComparer.Ordinal) { from };
        for (var hop = 0; hop < DelegationLimits.TraversalDepth && frontier.Count > 0; hop++)
        {
            frontier = [.. frontier.SelectMany(session => next[session]).Where(seen.Add)];
            if (frontier.Contains(to))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Step 11: an edge is only made with time left, and never outlives the edge it comes from; null when it may be made.</summary>
    public static Refusal? CheckExpiry(DateTimeOffset expiresAt, Delegation? parent, DateTimeOffset now)
    {
        if (expiresAt > now && (parent is null || expiresAt <= parent.ExpiresAt))
        {
            return null;
        }

        return parent is null ? DelegationRefusals.AlreadyExpired : DelegationRefusals.ExceedsParent;
    }

    private static bool NarrowsScopes(DelegatedAuthority parent, DelegatedAuthority child)
    {
        var held = parent.Scopes.ToHashSet(StringComparer.Ordinal);
        return child.Scopes.All(held.Contains);
    }

    private static bool NarrowsHops(DelegationConstraints parent, DelegationConstraints child) =>
        parent.Hops > 1 && child.Hops <= parent.Hops - 1;

    private static bool NarrowsTtl(DelegationConstraints parent, DelegationConstraints child) =>
        parent.TtlSeconds is not { } limit || (child.TtlSeconds is { } ttl && ttl <= limit);

    private static bool NarrowsBudget(DelegatedAuthority parent, DelegatedAuthority child) =>
        parent.Constraints.Budget is not { } limit || child.EffectiveBudget <= limit;
}
