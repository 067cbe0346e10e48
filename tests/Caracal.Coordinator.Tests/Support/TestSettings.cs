using Caracal.Hosting.Settings;

namespace Caracal.Coordinator.Tests.Support;

/// <summary>The Coordinator's settings from an environment, as in production.</summary>
internal static class TestSettings
{
    public const string Issuer = "http://127.0.0.1:8080";
    public const string OperatorToken = "op-3f9a1c5e7b9d0f2143658709badcfe10";
    public const string MetricsBearer = "mb-8f3a1c5e7b9d0f2143658709badcfe1032";
    public const string StreamsKey = "0a1f3c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01";
    public const string AuditKey = "1b1f3c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef02";

    public static Dictionary<string, string?> Environment() => new(StringComparer.Ordinal)
    {
        ["CARACAL_MODE"] = "dev",
        ["PORT"] = "0",
        ["STS_URL"] = Issuer,
        ["ISSUER_URL"] = Issuer,
        ["CARACAL_COORDINATOR_TOKEN"] = OperatorToken,
        ["METRICS_BEARER"] = MetricsBearer,
        ["STREAMS_HMAC_KEY"] = StreamsKey,
        ["AUDIT_HMAC_KEY"] = AuditKey,
        ["IDEMPOTENCY_HMAC_KEY"] = "2c1f3c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef03",
        ["COORDINATOR_RATE_LIMIT_PER_MIN"] = "0",
    };

    public static CoordinatorSettings Read(Dictionary<string, string?> environment)
    {
        var reader = new SettingsReader(environment, "coordinator");
        var settings = CoordinatorSettings.Read(reader);
        reader.ThrowIfFaulty();
        return settings;
    }
}
