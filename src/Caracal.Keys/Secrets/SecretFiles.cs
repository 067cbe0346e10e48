using System.Collections.Frozen;
using Caracal.Keys.Rings;

namespace Caracal.Keys.Secrets;

/// <summary>One generated secret file (cli.md 4.1).</summary>
/// <param name="Variable">Environment variable, for example <c>STREAMS_HMAC_KEY</c>.</param>
/// <param name="FileName">File in the secrets folder, for example <c>streamsHmacKey</c>.</param>
/// <param name="Bytes">Random bytes generated; the file holds twice as many hex characters.</param>
/// <param name="ClassId">Class id of operations.md 2.1.</param>
public sealed record SecretFile(string Variable, string FileName, int Bytes, string ClassId);

/// <summary>The inventory of secret files: what <c>caracal up</c> generates and where services look (cli.md 4.1).</summary>
public static class SecretFiles
{
    public const string ZoneKek = "ZONE_KEK";
    public const string ZoneKekAlias = "SECRET_STORE_KEK";
    public const string AuditHmacKey = "AUDIT_HMAC_KEY";
    public const string StreamsHmacKey = "STREAMS_HMAC_KEY";
    public const string GatewayStsHmacKey = "GATEWAY_STS_HMAC_KEY";
    public const string IdempotencyHmacKey = "IDEMPOTENCY_HMAC_KEY";
    public const string AdminToken = "CARACAL_ADMIN_TOKEN";
    public const string CoordinatorToken = "CARACAL_COORDINATOR_TOKEN";
    public const string MetricsBearer = "METRICS_BEARER";
    public const string AuthSecret = "CARACAL_AUTH_SECRET";

    /// <summary>With it a console tells the API which keys it holds, and nobody can do anything else.</summary>
    public const string ConsoleReportToken = "CONSOLE_REPORT_TOKEN";
    public const string StsAdminToken = "STS_ADMIN_TOKEN";

    /// <summary>Ed25519 seed of the ledger's checkpoints.</summary>
    public const string AuditCheckpointKey = "AUDIT_CHECKPOINT_KEY";
    public const string AuditAdminToken = "AUDIT_ADMIN_TOKEN";

    /// <summary>Files generated when missing, in the order of the specification.</summary>
    public static IReadOnlyList<SecretFile> Generated { get; } =
    [
        new(ZoneKek, "zoneKek", 32, KeyClass.ZoneKek),
        new(AuditHmacKey, "auditHmacKey", 32, KeyClass.AuditHmac),
        new(StreamsHmacKey, "streamsHmacKey", 32, KeyClass.StreamsHmac),
        new(GatewayStsHmacKey, "gatewayStsHmacKey", 32, KeyClass.GatewayStsHmac),
        new(IdempotencyHmacKey, "idempotencyHmacKey", 32, KeyClass.IdempotencyHmac),
        new(AdminToken, "caracalAdminToken", 32, KeyClass.AdminToken),
        new(CoordinatorToken, "caracalCoordinatorToken", 32, KeyClass.CoordinatorToken),
        new(MetricsBearer, "metricsBearer", 32, KeyClass.MetricsBearer),
        new(AuditCheckpointKey, "auditCheckpointKey", 32, "audit-checkpoint"),
        new(AuthSecret, "caracalAuthSecret", 32, KeyClass.AuthSecret),
        new(ConsoleReportToken, "consoleReportToken", 32, KeyClass.ConsoleReportToken),
        new("POSTGRES_PASSWORD", "postgresPassword", 24, "postgres:caracal"),
        new("REDIS_PASSWORD", "redisPassword", 24, "redis:default"),
        .. StorePasswords("DB", "Db", "postgres", ["api", "sts", "gateway", "audit", "coordinator", "auth"]),
        .. StorePasswords("REDIS", "Redis", "redis", ["api", "sts", "gateway", "audit", "coordinator"]),
    ];

    private static readonly FrozenDictionary<string, string> FileNames = Generated
        .Select(file => KeyValuePair.Create(file.Variable, file.FileName))
        .Append(KeyValuePair.Create(ZoneKekAlias, "secretStoreKek"))
        .ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> ClassIds = Generated
        .Select(file => KeyValuePair.Create(file.Variable, file.ClassId))
        .Append(KeyValuePair.Create(StsAdminToken, KeyClass.StsAdminToken))
        .Append(KeyValuePair.Create(AuditAdminToken, KeyClass.AuditAdminToken))
        .ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The file name of a variable: listed, or the variable in camel case (<c>STS_ADMIN_TOKEN</c> → <c>stsAdminToken</c>).</summary>
    public static string FileNameOf(string variable) =>
        FileNames.TryGetValue(variable, out var fileName) ? fileName : CamelCase(variable);

    /// <summary>The class id of a variable; the lower-case variable when the inventory does not name one.</summary>
    public static string ClassOf(string variable) =>
        ClassIds.TryGetValue(variable, out var classId) ? classId : variable.ToLowerInvariant().Replace('_', '-');

    private static IEnumerable<SecretFile> StorePasswords(string store, string fileStore, string classPrefix, string[] services) =>
        services.Select(service => new SecretFile(
            $"CARACAL_{service.ToUpperInvariant()}_{store}_PASSWORD", $"{service}{fileStore}Password", 24, $"{classPrefix}:{service}"));

    private static string CamelCase(string variable)
    {
        var words = variable.Split('_', StringSplitOptions.RemoveEmptyEntries);
        return string.Concat(words.Select((word, index) => index == 0
            ? word.ToLowerInvariant()
            : char.ToUpperInvariant(word[0]) + word[1..].ToLowerInvariant()));
    }
}
