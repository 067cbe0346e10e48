using Caracal.Authority.Sessions;
using Caracal.Protocol;

namespace Caracal.Authority.Delegations;

/// <summary>Which of the parent's edges a child Session takes over (coordinator.md 5).</summary>
public static class InheritanceRules
{
    /// <param name="inbound">Edges to the parent whose receiver is the child's application, of every state; only the named one when one is named.</param>
    /// <param name="edgeNamed">The caller named an edge.</param>
    /// <param name="now">Database time.</param>
    public static ParentChoice Choose(IReadOnlyCollection<Delegation> inbound, bool edgeNamed, DateTimeOffset now)
    {
        var live = inbound.Where(edge => edge.IsLive(now)).ToArray();
        return live.Length switch
        {
            1 => new ParentChoice(live[0], null),
            > 1 => new ParentChoice(null, SessionRefusals.InheritAmbiguous),
            _ when edgeNamed || inbound.Count > 0 => new ParentChoice(null, SessionRefusals.InheritNotActive),
            _ => new ParentChoice(null, null),
        };
    }

    /// <summary>The mirror of <paramref name="edge"/> from the parent to its child: the same authority, not a bit more, and no further hop.</summary>
    public static Delegation Mirror(Delegation edge, string id, string childSessionId, string childApplicationId, DateTimeOffset now) => new()
    {
        Id = id,
        ZoneId = edge.ZoneId,
        SourceSessionId = edge.TargetSessionId,
        TargetSessionId = childSessionId,
        IssuerApplicationId = edge.ReceiverApplicationId,
        ReceiverApplicationId = childApplicationId,
        ParentEdgeId = edge.Id,
        ResourceId = edge.ResourceId,
        Scopes = edge.Scopes,
        ConstraintsJson = edge.ConstraintsJson,
        Status = DelegationStatus.Active,
        ExpiresAt = edge.ExpiresAt,
        EdgeKind = DelegationKind.Mirror,
        CreatedAt = now,
        UpdatedAt = now,
    };
}
