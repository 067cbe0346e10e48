namespace Caracal.Keys.Rings;

/// <summary>Class ids of operations.md 2.1; they name a key's purpose in sids, metrics and the registry.</summary>
public static class KeyClass
{
    public const string ZoneKek = "zone-kek";
    public const string ZoneSigning = "zone-signing";
    public const string AuditHmac = "audit-hmac";
    public const string StreamsHmac = "streams-hmac";
    public const string GatewayStsHmac = "gateway-sts-hmac";
    public const string IdempotencyHmac = "idempotency-hmac";
    public const string AdminToken = "admin-token";
    public const string CoordinatorToken = "coordinator-token";
    public const string MetricsBearer = "metrics-bearer";
    public const string ConsoleReportToken = "console-report-token";
    public const string StsAdminToken = "sts-admin-token";
    public const string AuditAdminToken = "audit-admin-token";
    public const string AuthSecret = "auth-secret";
}
