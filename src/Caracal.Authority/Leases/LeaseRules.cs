using Caracal.Authority.Sessions;
using Caracal.Protocol;

namespace Caracal.Authority.Leases;

/// <summary>What a lease call does beside its answer; the default changes nothing.</summary>
public enum LeaseEffect
{
    /// <summary>No change.</summary>
    None,

    /// <summary>The lease is renewed.</summary>
    Renew,

    /// <summary>The subtree is suspended, reason <c>service_heartbeat_lost</c>, and the refusal answered.</summary>
    Suspend,

    /// <summary>The subtree is terminated, reason <c>subject_authority_inactive</c>, and the refusal answered.</summary>
    Terminate,
}

/// <summary>A lease decision: an effect that commits, and a refusal when the caller gets none of what it asked for.</summary>
/// <param name="Effect">What to commit.</param>
/// <param name="Refusal">Null when renewed.</param>
public readonly record struct LeaseDecision(LeaseEffect Effect, Refusal? Refusal);

/// <summary>What the rules need to know about the authority behind a Session and behind the caller.</summary>
/// <param name="SubjectIsInactiveUser">The anchor is a user record that is revoked or expired.</param>
/// <param name="BearerHasRecord">The bearer carries a <c>sid</c>.</param>
/// <param name="BearerRecordIsApplication">That record is active, unexpired, of type application, for the Session's application.</param>
public readonly record struct LeaseAuthority(bool SubjectIsInactiveUser, bool BearerHasRecord, bool BearerRecordIsApplication);

/// <summary>The checks of coordinator.md 6 after existence and ownership.</summary>
public static class LeaseRules
{
    /// <summary>POST …/lease: a new holder takes over.</summary>
    public static LeaseDecision Acquire(Session session, LeaseAuthority authority, DateTimeOffset now)
    {
        if (session.Lifecycle != SessionLifecycle.Service)
        {
            return Refuse(LeaseRefusals.NotService);
        }

        if (session.Status == SessionStatus.Suspended)
        {
            return Refuse(LeaseRefusals.Suspended);
        }

        if (session.Status != SessionStatus.Active)
        {
            return Refuse(LeaseRefusals.NotLive);
        }

        return CheckSubject(authority) ?? CheckLapse(session, now) ?? CheckBearer(authority) ?? new LeaseDecision(LeaseEffect.Renew, null);
    }

    /// <summary>POST …/heartbeat: the holder of <paramref name="generation"/> is still there. A suspended Session renews too.</summary>
    public static LeaseDecision Heartbeat(Session session, long generation, LeaseAuthority authority, DateTimeOffset now)
    {
        if (!SessionStatus.IsOpen(session.Status))
        {
            return Refuse(LeaseRefusals.NotLive);
        }

        if (session.Lifecycle != SessionLifecycle.Service)
        {
            return Refuse(LeaseRefusals.NotService);
        }

        return CheckSubject(authority)
            ?? CheckGeneration(session, generation)
            ?? (session.Status == SessionStatus.Active ? CheckLapse(session, now) : null)
            ?? CheckBearer(authority)
            ?? new LeaseDecision(LeaseEffect.Renew, null);
    }

    /// <summary>Whether a caller that is no administrator may end the Session with this generation; null when it may.</summary>
    public static Refusal? CheckTermination(Session session, long? generation)
    {
        if (session.Lifecycle != SessionLifecycle.Service)
        {
            return null;
        }

        return generation is null ? LeaseRefusals.GenerationRequired
            : generation != session.LeaseGeneration ? LeaseRefusals.Fenced
            : null;
    }

    private static LeaseDecision Refuse(Refusal refusal) => new(LeaseEffect.None, refusal);

    private static LeaseDecision? CheckSubject(LeaseAuthority authority) =>
        authority.SubjectIsInactiveUser ? new LeaseDecision(LeaseEffect.Terminate, LeaseRefusals.SubjectInactive) : null;

    private static LeaseDecision? CheckGeneration(Session session, long generation) =>
        session.LeaseGeneration == generation ? null : Refuse(LeaseRefusals.Fenced);

    private static LeaseDecision? CheckLapse(Session session, DateTimeOffset now) =>
        SessionRules.IsWithinItsTime(session, now) ? null : new LeaseDecision(LeaseEffect.Suspend, LeaseRefusals.LeaseExpired);

    private static LeaseDecision? CheckBearer(LeaseAuthority authority) =>
        !authority.BearerHasRecord ? Refuse(LeaseRefusals.AuthorityRecordRequired)
        : !authority.BearerRecordIsApplication ? Refuse(LeaseRefusals.IdentityRevoked)
        : null;
}
