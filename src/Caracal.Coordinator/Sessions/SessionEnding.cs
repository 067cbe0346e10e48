using Caracal.Authority.Delegations;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Delegations;
using Caracal.Coordinator.Outbox;
using Caracal.Storage;
using Caracal.Storage.Delegations;
using Caracal.Storage.Outbox;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Sessions;

/// <summary>What ended in one transaction.</summary>
/// <param name="Sessions">Ended Sessions.</param>
/// <param name="Edges">Revoked edges.</param>
internal sealed record Ended(IReadOnlyList<SessionEnd> Sessions, IReadOnlyList<Delegation> Edges);

/// <summary>
/// The one way authority ends: Sessions with their subtrees, the edges that touch them, one epoch step, and a message for
/// every single end (coordinator.md 5, 8, README ruling 15). Requests, leases and sweepers all come here.
/// </summary>
internal sealed class SessionEnding(
    SessionStore sessions, DelegationStore delegations, GraphEpochStore epochs, CoordinatorDirectory directory, Announcements announcements)
{
    /// <summary>Ends the open ones of the roots. The caller holds the zone's locks (<see cref="ZoneLocks.BothAsync"/>).</summary>
    public async Task<Ended> EndAsync(
        Work work, string zoneId, IReadOnlyCollection<string> rootIds, string rootStatus, string reason, DateTimeOffset now)
    {
        var (plan, news) = await EndSessionsAsync(work, zoneId, rootIds, rootStatus, reason, now);
        var edges = await WithDescendantsAsync(work, zoneId, await TouchedAsync(work, zoneId, plan));
        if (edges.Count > 0)
        {
            await delegations.RevokeAsync(work, edges.Select(edge => edge.Id), now);
            var epoch = await epochs.BumpAsync(work, zoneId, now);
            news.AddRange(edges.SelectMany(edge => DelegationMessages.Cascaded(edge, reason, epoch)));
        }

        await announcements.EnqueueAsync(work, news, now);
        return new Ended(plan.Ends, edges);
    }

    /// <summary>Revokes the edge, everything reached from it, and the Sessions that held it. The caller holds the zone's locks.</summary>
    public async Task<Ended> RevokeAsync(Work work, Delegation revoked, DateTimeOffset now)
    {
        var reachable = await delegations.ReachableAsync(work.Connection, revoked.ZoneId, revoked.TargetSessionId);
        var chain = DelegationCascade.Forward(revoked, reachable).Select(reached => reached.Edge).ToArray();
        var targets = chain.Select(edge => edge.TargetSessionId).Distinct(StringComparer.Ordinal).ToArray();
        var (plan, news) = await EndSessionsAsync(work, revoked.ZoneId, targets, SessionStatus.Terminated, EndReason.DelegationRevoked, now);
        var edges = await WithDescendantsAsync(
            work, revoked.ZoneId, [.. chain.UnionBy(await TouchedAsync(work, revoked.ZoneId, plan), edge => edge.Id, StringComparer.Ordinal)]);
        await delegations.RevokeAsync(work, edges.Select(edge => edge.Id), now);
        var epoch = await epochs.BumpAsync(work, revoked.ZoneId, now);
        news.AddRange(DelegationMessages.Revoked(revoked, edges.Count, epoch));
        news.AddRange(edges.Where(edge => edge.Id != revoked.Id)
            .SelectMany(edge => DelegationMessages.Cascaded(edge, EndReason.DelegationRevoked, epoch)));
        await announcements.EnqueueAsync(work, news, now);
        return new Ended(plan.Ends, edges);
    }

    private async Task<(EndPlan Plan, List<Announcement> News)> EndSessionsAsync(
        Work work, string zoneId, IReadOnlyCollection<string> rootIds, string rootStatus, string reason, DateTimeOffset now)
    {
        var rows = await sessions.OpenSubtreeAsync(work, zoneId, rootIds);
        var plan = SessionCascade.End(rootIds, rows, rootStatus, reason);
        await sessions.EndAsync(work, plan, now);
        var exempt = await ExemptRecordsAsync(work, zoneId, plan);
        return (plan, plan.Ends
            .SelectMany(end => SessionMessages.Ended(end.Session, reason, namesRecord: !exempt.Contains(end.Session.SubjectAuthorityRecordId)))
            .ToList());
    }

    private async Task<IReadOnlyList<Delegation>> TouchedAsync(Work work, string zoneId, EndPlan plan)
    {
        var ended = plan.Ends.Select(end => end.Session.Id).ToArray();
        return DelegationCascade.Touching(ended, await delegations.TouchingAsync(work, zoneId, ended));
    }

    // What was handed on ends with the edge it was handed on from, also where the holder in between lives on: an active
    // edge below an ended one could still be handed on again, although the STS would mint nothing with either.
    private async Task<IReadOnlyList<Delegation>> WithDescendantsAsync(Work work, string zoneId, IReadOnlyList<Delegation> edges)
    {
        var below = await delegations.DescendantsAsync(work, zoneId, [.. edges.Select(edge => edge.Id)]);
        return [.. edges.UnionBy(below, edge => edge.Id, StringComparer.Ordinal).OrderBy(edge => edge.Id, StringComparer.Ordinal)];
    }

    // Application records outlive a Session, and a record that another Session stands on must not fall with this one.
    // Thousands may stand on the record of an application, so those are not even looked for.
    private async Task<HashSet<string>> ExemptRecordsAsync(Work work, string zoneId, EndPlan plan)
    {
        var ids = plan.Ends.Select(end => end.Session.SubjectAuthorityRecordId).ToHashSet(StringComparer.Ordinal);
        if (ids.Count == 0)
        {
            return [];
        }

        var records = await directory.RecordsAsync(work.Connection, zoneId, ids);
        var exempt = records.Where(record => record.SessionType == "application").Select(record => record.Id).ToHashSet(StringComparer.Ordinal);
        ids.ExceptWith(exempt);
        exempt.UnionWith(await sessions.RecordsInUseAsync(work.Connection, zoneId, ids));
        return exempt;
    }
}
