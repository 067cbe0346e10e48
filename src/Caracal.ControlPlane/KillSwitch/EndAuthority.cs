using System.Globalization;
using Caracal.ControlPlane.AdminAudit;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.KillSwitch;

namespace Caracal.ControlPlane.KillSwitch;

/// <summary>Ends live authority and says so on every stream, in the transaction of the change that ends it (api.md 12.3).</summary>
internal sealed class EndAuthority(Changes changes)
{
    public Task<KilledAuthority> EndAsync(
        Work work,
        string? requestId,
        string zoneId,
        IReadOnlyList<string> records,
        IReadOnlyList<string> sessions,
        string reason,
        DateTimeOffset now) => EndAsync(work, requestId, zoneId, new AuthorityRoots(records, sessions, []), reason, now);

    public async Task<KilledAuthority> EndAsync(
        Work work, string? requestId, string zoneId, AuthorityRoots roots, string reason, DateTimeOffset now)
    {
        var killed = await KillSwitchStore.EndAsync(work, zoneId, roots, reason, now);
        await changes.AnnounceManyAsync(work, requestId, [.. Messages(zoneId, killed, OneLine(reason))]);
        return killed;
    }

    private static IEnumerable<(string Stream, KeyValuePair<string, string?>[] Fields)> Messages(string zoneId, KilledAuthority killed, string reason)
    {
        foreach (var record in killed.Records)
        {
            yield return Message(Topics.SessionsRevoke, ("zone_id", zoneId), ("session_id", record), ("reason", reason));
        }

        var revoked = killed.Records.ToHashSet(StringComparer.Ordinal);
        foreach (var session in killed.Sessions)
        {
            yield return Message(
                Topics.AgentsLifecycle,
                ("event", "terminate"),
                ("zone_id", zoneId),
                ("agent_session_id", session.Id),
                ("parent_id", session.ParentId),
                ("reason", reason));

            // The STS revokes the record a message names; one that still lives for others is not named (streams.md 5.1).
            var record = revoked.Contains(session.SubjectAuthorityRecordId) ? session.SubjectAuthorityRecordId : null;
            yield return Message(
                Topics.SessionsRevoke, ("zone_id", zoneId), ("session_id", record), ("agent_session_id", session.Id), ("reason", reason));
        }

        var epoch = killed.Epoch?.ToString(CultureInfo.InvariantCulture);
        foreach (var edge in killed.Edges)
        {
            yield return Message(Topics.SessionsRevoke, ("zone_id", zoneId), ("delegation_edge_id", edge), ("reason", reason));
            yield return Message(
                Topics.DelegationsInvalidate,
                ("event", "edge_revoke"),
                ("zone_id", zoneId),
                ("edge_id", edge),
                ("reason", reason),
                ("epoch", epoch));
        }
    }

    private static (string, KeyValuePair<string, string?>[]) Message(string stream, params (string Name, string? Value)[] fields) =>
        (stream, [.. fields.Select(field => KeyValuePair.Create(field.Name, field.Value))]);

    // Stream values are signed unescaped, so a line break could imitate another field (streams.md 4).
    private static string OneLine(string text) => text.Replace('\r', ' ').Replace('\n', ' ').Replace('\0', ' ');
}
