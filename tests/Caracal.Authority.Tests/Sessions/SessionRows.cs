using Caracal.Authority.Sessions;

namespace Caracal.Authority.Tests.Sessions;

/// <summary>Session rows for tables.</summary>
internal static class SessionRows
{
    public static readonly DateTimeOffset Now = new(2026, 7, 11, 13, 0, 0, TimeSpan.Zero);

    public static Session Task(string id = "s", string status = SessionStatus.Active, string? parent = null, int ttl = 60, string application = "app1") => new()
    {
        Id = id,
        ZoneId = "z1",
        ApplicationId = application,
        ParentId = parent,
        Status = status,
        Lifecycle = SessionLifecycle.Task,
        StartedAt = Now,
        TtlSeconds = ttl,
        MaxChildren = SessionLimits.MaximumChildren,
    };

    public static Session Service(string status = SessionStatus.Active, int leaseSeconds = 60, long generation = 1) => new()
    {
        Id = "s",
        ZoneId = "z1",
        ApplicationId = "app1",
        Status = status,
        Lifecycle = SessionLifecycle.Service,
        StartedAt = Now,
        LastHeartbeatAt = Now,
        HeartbeatDeadlineAt = Now.AddSeconds(leaseSeconds),
        LeaseGeneration = generation,
        MaxChildren = SessionLimits.MaximumChildren,
    };
}
