using Caracal.Authority.Sessions;
using Caracal.Coordinator.Outbox;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Outbox;

namespace Caracal.Coordinator.Sessions;

/// <summary>What the life of a Session announces (coordinator.md 12).</summary>
internal sealed class SessionMessages(Announcements announcements)
{
    public Task SpawnedAsync(Work work, Session session, DateTimeOffset now) =>
        announcements.EnqueueAsync(work, Topics.AgentsLifecycle, $"spawn:{session.Id}", now, writer =>
        {
            writer.WriteString("event"u8, "spawn"u8);
            writer.WriteString("zone_id"u8, session.ZoneId);
            writer.WriteString("agent_session_id"u8, session.Id);
            writer.WriteString("parent_id"u8, session.ParentId);
            writer.WriteString("application_id"u8, session.ApplicationId);
        });

    /// <summary>A pause is no end: it announces itself and revokes nothing (README ruling 20).</summary>
    public Task SuspendedAsync(Work work, Session session, string reason, DateTimeOffset now) =>
        announcements.EnqueueAsync(work, Topics.AgentsLifecycle, $"suspend:{session.Id}:{Timestamps.Microseconds(now)}", now, writer =>
        {
            writer.WriteString("event"u8, "suspend"u8);
            writer.WriteString("zone_id"u8, session.ZoneId);
            writer.WriteString("agent_session_id"u8, session.Id);
            writer.WriteString("parent_id"u8, session.ParentId);
            writer.WriteString("reason"u8, reason);
        });

    public Task ResumedAsync(Work work, Session session, DateTimeOffset now) =>
        announcements.EnqueueAsync(work, Topics.AgentsLifecycle, $"resume:{session.Id}:{Timestamps.Microseconds(now)}", now, writer =>
        {
            writer.WriteString("event"u8, "resume"u8);
            writer.WriteString("zone_id"u8, session.ZoneId);
            writer.WriteString("agent_session_id"u8, session.Id);
            writer.WriteString("parent_id"u8, session.ParentId);
        });

    /// <summary>
    /// What an end announces: its lifecycle event and its revocation. The revocation names the authority record unless others still live
    /// on it, because the STS revokes a named record with all its descendants.
    /// </summary>
    public static IEnumerable<Announcement> Ended(Session session, string reason, bool namesRecord)
    {
        yield return Announcements.Compose(Topics.AgentsLifecycle, $"terminate:{session.Id}", writer =>
        {
            writer.WriteString("event"u8, "terminate"u8);
            writer.WriteString("zone_id"u8, session.ZoneId);
            writer.WriteString("agent_session_id"u8, session.Id);
            writer.WriteString("parent_id"u8, session.ParentId);
            writer.WriteString("reason"u8, reason);
        });
        yield return Announcements.Compose(Topics.SessionsRevoke, $"agent_terminate:{session.Id}", writer =>
        {
            writer.WriteString("zone_id"u8, session.ZoneId);
            if (namesRecord)
            {
                writer.WriteString("session_id"u8, session.SubjectAuthorityRecordId);
            }

            writer.WriteString("agent_session_id"u8, session.Id);
            writer.WriteString("reason"u8, reason);
        });
    }
}
