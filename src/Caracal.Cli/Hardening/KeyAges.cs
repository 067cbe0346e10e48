using Caracal.Keys.Rings;

namespace Caracal.Cli.Hardening;

/// <summary>How old a key of each class may become (operations.md 2.1).</summary>
internal static class KeyAges
{
    /// <summary>What applications authenticate with; no key ring holds it.</summary>
    public const string ApplicationSecret = "app-secret";

    /// <summary>What workloads under <c>caracal run</c> authenticate with.</summary>
    public const string WorkloadSecret = "workload-secret";

    /// <summary>The limit; null for a class that has none.</summary>
    public static TimeSpan? Limit(string classId) => classId switch
    {
        KeyClass.ZoneKek or KeyClass.AuditHmac or KeyClass.StreamsHmac or KeyClass.IdempotencyHmac => TimeSpan.FromDays(365),
        KeyClass.GatewayStsHmac or KeyClass.MetricsBearer or KeyClass.AuthSecret or KeyClass.ConsoleReportToken or ApplicationSecret or WorkloadSecret => TimeSpan.FromDays(180),
        KeyClass.ZoneSigning or KeyClass.AdminToken or KeyClass.CoordinatorToken or KeyClass.StsAdminToken or KeyClass.AuditAdminToken => TimeSpan.FromDays(90),
        _ when classId.StartsWith("postgres:", StringComparison.Ordinal) || classId.StartsWith("redis:", StringComparison.Ordinal) => TimeSpan.FromDays(180),
        _ => null,
    };
}
