using Caracal.Authority.Leases;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Requests;
using Caracal.Coordinator.Sessions;
using Caracal.Storage;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Leases;

/// <summary>What acquiring and beating share: the authority behind both, and the effects that stay although the call is refused.</summary>
internal sealed class LeaseCalls(SessionStore sessions, CoordinatorDirectory directory, SessionPausing pausing, SessionEnding ending)
{
    /// <summary>The Session, or why the caller has no business with its lease.</summary>
    public async Task<(Session? Session, Reply? Refused)> FindAsync(Work work, Call call)
    {
        var session = await sessions.FindAsync(work.Connection, call.ZoneId, call.Id);
        return session is null ? (null, SessionRefusals.SessionNotFound)
            : call.Caller.MayActFor(session.ApplicationId) ? (session, null)
            : (null, SessionRefusals.ApplicationOwnershipRequired);
    }

    /// <summary>Reads what the lease rules need to know of the anchor and the bearer.</summary>
    public async Task<LeaseAuthority> ReadAuthorityAsync(Work work, Session session, Caller caller, DateTimeOffset now)
    {
        var anchor = await directory.FindRecordAsync(work.Connection, session.ZoneId, session.SubjectAuthorityRecordId);
        var bearer = caller.AuthorityRecordId is null ? null
            : caller.AuthorityRecordId == anchor?.Id ? anchor
            : await directory.FindRecordAsync(work.Connection, session.ZoneId, caller.AuthorityRecordId);
        return new LeaseAuthority(
            SubjectIsInactiveUser: anchor is { SessionType: "user" } && !anchor.IsLive(now),
            BearerHasRecord: caller.AuthorityRecordId is not null,
            BearerRecordIsApplication: bearer?.IsLiveApplication(session.ApplicationId, now) ?? false);
    }

    /// <summary>Commits the effect of a refused call. The caller holds the zone's locks.</summary>
    public async Task<Reply> RefuseAsync(Work work, Session session, LeaseDecision decision, DateTimeOffset now)
    {
        switch (decision.Effect)
        {
            case LeaseEffect.Suspend:
                await pausing.SuspendAsync(work, session.ZoneId, session.Id, EndReason.ServiceHeartbeatLost, now);
                return Reply.RefusedKeepingChanges(decision.Refusal!);
            case LeaseEffect.Terminate:
                await ending.EndAsync(work, session.ZoneId, [session.Id], SessionStatus.Terminated, EndReason.SubjectAuthorityInactive, now);
                return Reply.RefusedKeepingChanges(decision.Refusal!);
            default:
                return decision.Refusal!;
        }
    }
}
