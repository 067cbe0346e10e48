namespace Caracal.Authority.Sessions;

/// <summary>The states of a Session.</summary>
public static class SessionStatus
{
    public const string Active = "active";
    public const string Suspended = "suspended";
    public const string Terminated = "terminated";
    public const string Expired = "expired";

    /// <summary>True for every known state; anything else is no filter.</summary>
    public static bool IsKnown(string? status) => status is Active or Suspended or Terminated or Expired;

    /// <summary>Active or suspended: not ended.</summary>
    public static bool IsOpen(string status) => status is Active or Suspended;
}

/// <summary>How long a Session lives: a task has a TTL, a service a lease.</summary>
public static class SessionLifecycle
{
    public const string Task = "task";
    public const string Service = "service";

    public static bool IsKnown(string? lifecycle) => lifecycle is Task or Service;
}

/// <summary>Why a Session or a delegation ended or paused, where the caller gave no text (coordinator.md 12).</summary>
public static class EndReason
{
    public const string Requested = "requested";
    public const string Ttl = "ttl";
    public const string ServiceHeartbeatLost = "service_heartbeat_lost";
    public const string SubjectAuthorityInactive = "subject_authority_inactive";
    public const string DelegationRevoked = "delegation_revoked";
    public const string DelegationExpired = "delegation_expired";
    public const string ParentTerminated = "parent_terminated";
}

/// <summary>The fixed limits of coordinator.md 5.</summary>
public static class SessionLimits
{
    public const int MaximumDepth = 10;
    public const int MaximumChildren = 10;
    public const int MaximumLabels = 32;
    public const int MaximumLabelLength = 64;
    public const int DefaultTtlSeconds = 3600;
    public const int MaximumTtlSeconds = 86_400;
    public const int MaximumReasonLength = 256;
}
