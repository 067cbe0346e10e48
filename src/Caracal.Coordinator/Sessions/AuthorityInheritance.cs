using Caracal.Authority.Delegations;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Delegations;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Delegations;

namespace Caracal.Coordinator.Sessions;

/// <summary>Hands a parent's one live delegation on to its new child as a mirror edge (coordinator.md 5).</summary>
internal sealed class AuthorityInheritance(DelegationStore delegations, GraphEpochStore epochs, DelegationMessages messages)
{
    /// <summary>The mirror, nothing when the parent never held an edge, or why the start is refused.</summary>
    public async Task<(Delegation? Edge, Refusal? Refusal)> MirrorAsync(Work work, Session child, string? namedEdgeId, DateTimeOffset now)
    {
        await ZoneLocks.DelegationsAsync(work, child.ZoneId);
        var inbound = await delegations.InboundAsync(work.Connection, child.ZoneId, child.ParentId!, child.ApplicationId, namedEdgeId, now);
        var choice = InheritanceRules.Choose(inbound, namedEdgeId is not null, now);
        if (choice.Parent is not { } edge)
        {
            return (null, choice.Refusal);
        }

        var mirror = InheritanceRules.Mirror(edge, Ids.New(), child.Id, child.ApplicationId, now);
        await delegations.InsertAsync(work, mirror);
        var epoch = await epochs.EnsureAsync(work, child.ZoneId, now);
        await messages.CreatedAsync(work, mirror, epoch, now);
        return (mirror, null);
    }
}
