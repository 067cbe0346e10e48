namespace Caracal.Authority.Sessions;

/// <summary>When a Session counts as alive, and when it still takes a place.</summary>
public static class SessionRules
{
    /// <summary>May act: active, a task inside its TTL, a service inside its lease (coordinator.md 8 step 6).</summary>
    public static bool IsLive(Session session, DateTimeOffset now) =>
        session.Status == SessionStatus.Active && IsWithinItsTime(session, now);

    /// <summary>Takes a capacity slot of its zone and application (coordinator.md 5). A suspended service keeps its slot without beating.</summary>
    public static bool HoldsSlot(Session session, DateTimeOffset now) =>
        SessionStatus.IsOpen(session.Status)
        && ((session.Lifecycle == SessionLifecycle.Service && session.Status == SessionStatus.Suspended)
            || IsWithinItsTime(session, now));

    /// <summary>True when the row's own clock has not run out; a row that is neither task nor service never is.</summary>
    public static bool IsWithinItsTime(Session session, DateTimeOffset now) => session.Lifecycle switch
    {
        SessionLifecycle.Task => session.TtlSeconds is > 0 and var ttl && session.StartedAt.AddSeconds(ttl) > now,
        SessionLifecycle.Service => session.HeartbeatDeadlineAt is { } deadline && deadline > now,
        _ => false,
    };
}
