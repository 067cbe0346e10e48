using Caracal.Authority.Delegations;
using Caracal.Coordinator.Tests.Support;
using Caracal.Storage;
using Caracal.Storage.Delegations;
using Caracal.Storage.Sessions;
using Dapper;

namespace Caracal.Coordinator.Tests.Graph;

/// <summary>What must hold of the stored graph at any moment, whatever was done to it (coordinator.md 4, 5, 8).</summary>
internal sealed class GraphLaws(TestCoordinator coordinator)
{
    private long _epoch;

    public async Task CheckAsync()
    {
        await EpochsOnlyRiseAsync();
        await CountersAgreeAsync();
        await NothingOutlivesItsEndAsync();
        await AuthorityOnlyNarrowsAsync();
        await EveryEndIsToldOnceAsync();
    }

    private async Task EpochsOnlyRiseAsync()
    {
        var epoch = await coordinator.ScalarAsync<long?>("SELECT epoch FROM delegation_graph_epochs WHERE zone_id = 'z1'") ?? 0;
        Assert.True(epoch >= _epoch, $"the epoch fell from {_epoch} to {epoch}");
        _epoch = epoch;
    }

    private async Task CountersAgreeAsync()
    {
        Assert.Equal(0, await coordinator.ScalarAsync<long>(
            """
            SELECT count(*) FROM sessions p WHERE p.status IN ('active', 'suspended') AND p.child_count <>
                (SELECT count(*) FROM sessions c WHERE c.parent_id = p.id AND c.status IN ('active', 'suspended'))
            """));
        Assert.Equal(0, await coordinator.ScalarAsync<long>(
            """
            SELECT count(*) FROM open_sessions o WHERE o.held <> (SELECT count(*) FROM sessions s WHERE s.zone_id = o.zone_id
                AND (o.application_id = '' OR o.application_id = s.application_id) AND s.status IN ('active', 'suspended'))
            """));
        Assert.Equal(0, await coordinator.ScalarAsync<long>(
            "SELECT count(*) FROM sessions WHERE child_count > max_children OR child_count < 0 OR depth > 10"));
        Assert.Equal(0, await coordinator.ScalarAsync<long>(
            "SELECT count(*) FROM sessions s LEFT JOIN agent_topology t ON t.child_id = s.id WHERE (s.parent_id IS NULL) <> (t.parent_id IS NULL)"));
    }

    private async Task NothingOutlivesItsEndAsync()
    {
        Assert.Equal(0, await coordinator.ScalarAsync<long>(
            """
            SELECT count(*) FROM sessions c JOIN sessions p ON p.id = c.parent_id
            WHERE c.status IN ('active', 'suspended') AND p.status IN ('terminated', 'expired')
            """));
        Assert.Equal(0, await coordinator.ScalarAsync<long>(
            """
            SELECT count(*) FROM delegation_edges e JOIN sessions s ON s.id IN (e.source_session_id, e.target_session_id)
            WHERE e.status = 'active' AND s.status IN ('terminated', 'expired')
            """));
    }

    // A live edge gives nothing that the edge it came from does not give, and that one is live too, up to the root.
    private async Task AuthorityOnlyNarrowsAsync()
    {
        var now = coordinator.Time.GetUtcNow();
        var edges = await coordinator.Owner.ReadAsync(async connection =>
            await new DelegationStore().ListAsync(connection, "z1", new DelegationFilter(), new PageRequest(int.MaxValue, null)));
        var byId = edges.ToDictionary(edge => edge.Id, StringComparer.Ordinal);
        foreach (var edge in edges.Where(edge => edge.IsLive(now) && edge.ParentEdgeId is not null))
        {
            var parent = byId[edge.ParentEdgeId!];
            Assert.True(parent.IsLive(now), $"{edge.Id} lives on {parent.Id}, which is {parent.Status} until {parent.ExpiresAt:O}");
            Assert.Equal(parent.TargetSessionId, edge.SourceSessionId);
            Assert.Subset(parent.Scopes.ToHashSet(StringComparer.Ordinal), edge.Scopes.ToHashSet(StringComparer.Ordinal));
            Assert.True(edge.ExpiresAt <= parent.ExpiresAt);
            var (held, given) = (ConstraintReader.TryReadStored(parent.ConstraintsJson)!, ConstraintReader.TryReadStored(edge.ConstraintsJson)!);
            Assert.True(ReachOf(parent, held).Covers(ReachOf(edge, given)));
            Assert.True(edge.EdgeKind == DelegationKind.Mirror || given.Hops < held.Hops);
        }

        // Who ever held an edge is no root: it gives on only what it still holds.
        foreach (var edge in edges.Where(edge => edge.IsLive(now) && edge.ParentEdgeId is null))
        {
            Assert.DoesNotContain(edges, other => other.TargetSessionId == edge.SourceSessionId && other.CreatedAt < edge.CreatedAt);
        }
    }

    private async Task EveryEndIsToldOnceAsync()
    {
        Assert.Equal(
            await coordinator.ScalarAsync<long>("SELECT count(*) FROM sessions WHERE status IN ('terminated', 'expired')"),
            await coordinator.ScalarAsync<long>("SELECT count(*) FROM caracal_outbox WHERE dedupe_key LIKE 'agent_terminate:%'"));
        Assert.Equal(
            await coordinator.ScalarAsync<long>("SELECT count(*) FROM delegation_edges WHERE status <> 'active'"),
            await coordinator.ScalarAsync<long>("SELECT count(*) FROM caracal_outbox WHERE dedupe_key LIKE 'delegation_end:%'"));
    }

    private static ResourceReach ReachOf(Delegation edge, DelegationConstraints constraints) =>
        ResourceReach.Of(edge.ResourceId is not null, edge.ResourceId is null ? null : $"resource://{edge.ResourceId}", constraints.Resources);
}
