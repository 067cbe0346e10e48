using Caracal.Authority.Sessions;
using Caracal.Storage;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Sessions;

/// <summary>Suspends and resumes subtrees. The caller holds the zone's session lock.</summary>
internal sealed class SessionPausing(CoordinatorSettings settings, SessionStore sessions, SessionMessages messages)
{
    /// <summary>Suspends the Session and its descendants reached through active ones; empty when it was not active.</summary>
    public async Task<IReadOnlyList<Session>> SuspendAsync(Work work, string zoneId, string id, string reason, DateTimeOffset now)
    {
        var rows = await sessions.OpenSubtreeAsync(work, zoneId, [id]);
        var paused = SessionCascade.InStatus(id, rows, SessionStatus.Active);
        foreach (var session in paused)
        {
            await sessions.SetStatusAsync(work, session.Id, SessionStatus.Suspended, freshDeadline: null, now);
            await messages.SuspendedAsync(work, session, reason, now);
        }

        return paused;
    }

    /// <summary>Resumes the Session and its descendants reached through suspended ones; services get a fresh lease.</summary>
    public async Task<IReadOnlyList<Session>> ResumeAsync(Work work, string zoneId, string id, DateTimeOffset now)
    {
        var rows = await sessions.OpenSubtreeAsync(work, zoneId, [id]);
        var resumed = SessionCascade.InStatus(id, rows, SessionStatus.Suspended);
        foreach (var session in resumed)
        {
            var deadline = session.Lifecycle == SessionLifecycle.Service ? now + settings.LeaseTime : (DateTimeOffset?)null;
            await sessions.SetStatusAsync(work, session.Id, SessionStatus.Active, deadline, now);
            await messages.ResumedAsync(work, session, now);
        }

        return resumed;
    }
}
