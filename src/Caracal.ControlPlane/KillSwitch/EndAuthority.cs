using System.Globalization;
using Caracal.ControlPlane.AdminAudit;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.KillSwitch;

namespace Caracal.ControlPlane.KillSwitch;

/// <summary>Ends live authority and says so on every stream, in the transaction of the change that ends it (api.md 12.3).</summary>
internal sealed class EndAuthority(Changes changes)
{
    public async Task<KilledAuthority> EndAsync(
        Work work,
        string? requestId,
        string zoneId,
        IReadOnlyList<string> records,
        IReadOnlyList<string> sessions,
        string reason,
        DateTimeOffset now)
    {
        var killed = await KillSwitchStore.EndAsync(work, zoneId, records, sessions, reason, now);
        var word = OneLine(reason);
        foreach (var record in killed.Records)
        {
            await changes.AnnounceAsync(work, requestId, Topics.SessionsRevoke, ("zone_id", zoneId), ("session_id", record), ("reason", word));
        }

        await AnnounceSessionsAsync(work, requestId, zoneId, killed, word);
        foreach (var edge in killed.Edges)
        {
            await changes.AnnounceAsync(
                work, requestId, Topics.SessionsRevoke, ("zone_id", zoneId), ("delegation_edge_id", edge), ("reason", word));
            await changes.AnnounceAsync(
                work,
                requestId,
                Topics.DelegationsInvalidate,
                ("event", "edge_revoke"),
                ("zone_id", zoneId),
                ("edge_id", edge),
                ("reason", word),
                ("epoch", killed.Epoch?.ToString(CultureInfo.InvariantCulture)));
        }

        return killed;
    }

    private async Task AnnounceSessionsAsync(Work work, string? requestId, string zoneId, KilledAuthority killed, string reason)
    {
        var revoked = killed.Records.ToHashSet(StringComparer.Ordinal);
        foreach (var session in killed.Sessions)
        {
            await changes.AnnounceAsync(
                work,
                requestId,
                Topics.AgentsLifecycle,
                ("event", "terminate"),
                ("zone_id", zoneId),
                ("agent_session_id", session.Id),
                ("parent_id", session.ParentId),
                ("reason", reason));

            // The STS revokes the record a message names; one that still lives for others is not named (streams.md 5.1).
            var record = revoked.Contains(session.SubjectAuthorityRecordId) ? session.SubjectAuthorityRecordId : null;
            await changes.AnnounceAsync(
                work,
                requestId,
                Topics.SessionsRevoke,
                ("zone_id", zoneId),
                ("session_id", record),
                ("agent_session_id", session.Id),
                ("reason", reason));
        }
    }

    // Stream values are signed unescaped, so a line break could imitate another field (streams.md 4).
    private static string OneLine(string text) => text.Replace('\r', ' ').Replace('\n', ' ').Replace('\0', ' ');
}
