using Caracal.Authority.Leases;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Sessions;

/// <summary><c>DELETE …/agents/{id}</c>: ends the Session, its subtree and every edge that touches them (coordinator.md 5).</summary>
internal sealed class TerminateSession(Changes changes, DatabaseClock clock, SessionStore sessions, SessionEnding ending)
{
    public async Task<Reply> HandleAsync(Call call)
    {
        var reason = call.Query("reason");
        if (reason is not null && (reason.Length is 0 or > SessionLimits.MaximumReasonLength || reason.Contains('\0', StringComparison.Ordinal)))
        {
            return CoordinatorErrors.InvalidQuery;
        }

        var body = new BodyReader(call.Body);
        var generation = body.Integer("lease_generation", 1, long.MaxValue);
        return body.IsValid
            ? await changes.RunAsync(call, work => EndAsync(work, call, reason ?? EndReason.Requested, generation))
            : Reply.Invalid(body.Issues);
    }

    private async Task<Reply> EndAsync(Work work, Call call, string reason, long? generation)
    {
        await ZoneLocks.BothAsync(work, call.ZoneId);
        if (await sessions.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } session)
        {
            return SessionRefusals.SessionNotFound;
        }

        if (!call.Caller.MayManage(session.ApplicationId))
        {
            return SessionRefusals.ApplicationOwnershipRequired;
        }

        if (!call.Caller.IsAdmin && LeaseRules.CheckTermination(session, generation) is { } fenced)
        {
            return fenced;
        }

        // Clients take this 404 as success: the Session has ended already.
        if (!SessionStatus.IsOpen(session.Status))
        {
            return SessionRefusals.SessionNotFound;
        }

        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        await ending.EndAsync(work, call.ZoneId, [call.Id], SessionStatus.Terminated, reason, now);
        return Reply.Empty();
    }
}
