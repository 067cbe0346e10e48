using Caracal.Authority.Delegations;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Outbox;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Outbox;

namespace Caracal.Coordinator.Delegations;

/// <summary>What the life of a delegation announces (coordinator.md 12).</summary>
internal sealed class DelegationMessages(Announcements announcements)
{
    public Task CreatedAsync(Work work, Delegation edge, long epoch, DateTimeOffset now) =>
        announcements.EnqueueAsync(work, Topics.DelegationsInvalidate, $"edge_create:{edge.Id}", now, writer =>
        {
            writer.WriteString("event"u8, "edge_create"u8);
            writer.WriteString("zone_id"u8, edge.ZoneId);
            writer.WriteString("edge_id"u8, edge.Id);
            writer.WriteString("source_session_id"u8, edge.SourceSessionId);
            writer.WriteString("target_session_id"u8, edge.TargetSessionId);
            writer.WriteNumber("epoch"u8, epoch);
        });

    /// <summary>The edge a caller revoked, with how many ended with it.</summary>
    public static IEnumerable<Announcement> Revoked(Delegation edge, int affectedEdges, long epoch)
    {
        yield return Announcements.Compose(Topics.DelegationsInvalidate, $"edge_revoke:{edge.Id}", writer =>
        {
            writer.WriteString("event"u8, "edge_revoke"u8);
            writer.WriteString("zone_id"u8, edge.ZoneId);
            writer.WriteString("edge_id"u8, edge.Id);
            writer.WriteNumber("affected_edges"u8, affectedEdges);
            writer.WriteNumber("epoch"u8, epoch);
        });
        yield return Ended(edge.ZoneId, edge.Id, EndReason.DelegationRevoked);
    }

    /// <summary>An edge that ended because something else did.</summary>
    public static IEnumerable<Announcement> Cascaded(Delegation edge, string reason, long epoch)
    {
        yield return Announcements.Compose(Topics.DelegationsInvalidate, $"edge_revoke:{edge.Id}", writer =>
        {
            writer.WriteString("event"u8, "edge_revoke"u8);
            writer.WriteString("zone_id"u8, edge.ZoneId);
            writer.WriteString("edge_id"u8, edge.Id);
            writer.WriteString("reason"u8, reason);
            writer.WriteNumber("epoch"u8, epoch);
        });
        yield return Ended(edge.ZoneId, edge.Id, reason);
    }

    /// <summary>Edges of one zone that ran out, announced together; the end of each on its own.</summary>
    public Task ExpiredAsync(Work work, string zoneId, IReadOnlyList<string> edgeIds, long epoch, DateTimeOffset now) =>
        announcements.EnqueueAsync(work, [ExpiredTogether(zoneId, edgeIds, epoch), .. edgeIds.Select(id => Ended(zoneId, id, EndReason.DelegationExpired))], now);

    private static Announcement ExpiredTogether(string zoneId, IReadOnlyList<string> edgeIds, long epoch) =>
        Announcements.Compose(Topics.DelegationsInvalidate, $"edge_expire:{zoneId}:{epoch}", writer =>
        {
            writer.WriteString("event"u8, "edge_expire"u8);
            writer.WriteString("zone_id"u8, zoneId);
            writer.WriteNumber("affected_edges"u8, edgeIds.Count);
            writer.WriteStartArray("edge_ids"u8);
            foreach (var id in edgeIds)
            {
                writer.WriteStringValue(id);
            }

            writer.WriteEndArray();
            writer.WriteNumber("epoch"u8, epoch);
        });

    private static Announcement Ended(string zoneId, string edgeId, string reason) =>
        Announcements.Compose(Topics.SessionsRevoke, $"delegation_end:{edgeId}", writer =>
        {
            writer.WriteString("zone_id"u8, zoneId);
            writer.WriteString("delegation_edge_id"u8, edgeId);
            writer.WriteString("reason"u8, reason);
        });
}
