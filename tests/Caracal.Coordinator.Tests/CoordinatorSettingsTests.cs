using Caracal.Coordinator.Tests.Support;
using Caracal.Hosting.Settings;

namespace Caracal.Coordinator.Tests;

/// <summary>coordinator.md 1 and 20.22: what must not start.</summary>
public sealed class CoordinatorSettingsTests
{
    [Fact]
    public void Reads_its_defaults()
    {
        var settings = TestSettings.Read(TestSettings.Environment());
        Assert.Equal(("agent:lifecycle", 50, 200, TimeSpan.FromSeconds(120)), (settings.Scope, settings.MaximumSessionsPerZone, settings.MaximumSessionsPerApplication, settings.LeaseTime));
        Assert.Equal((262_144, true, TimeSpan.FromDays(7)), (settings.BodyLimit, settings.RequireSubjectProof, settings.ReceiptRetention));
    }

    [Theory]
    [InlineData("STREAMS_HMAC_KEY", null, "STREAMS_HMAC_KEY is required")]
    [InlineData("AUDIT_HMAC_KEY", null, "AUDIT_HMAC_KEY is required")]
    [InlineData("IDEMPOTENCY_HMAC_KEY", null, "IDEMPOTENCY_HMAC_KEY is required")]
    [InlineData("INSECURE_STS", "true", "INSECURE_STS is refused outside dev")]
    [InlineData("STREAMS_HMAC_KEY", "zz", "STREAMS_HMAC_KEY must be hex-encoded with at least 32 bytes")]
    [InlineData("STS_URL", "http://sts.example.com", "STS_URL must use https")]
    [InlineData("ISSUER_URL", "http://sts.example.com", "ISSUER_URL must use https")]
    [InlineData("ISSUER_URL", null, "ISSUER_URL is required")]
    [InlineData("MAX_AGENTS_PER_ZONE", "0", "MAX_AGENTS_PER_ZONE must be a whole number of at least 1")]
    [InlineData("GENERATED_IDEMPOTENCY_RETENTION_SECONDS", "10", "GENERATED_IDEMPOTENCY_RETENTION_SECONDS must be")]
    [InlineData("COORDINATOR_BODY_LIMIT_BYTES", "1k", "COORDINATOR_BODY_LIMIT_BYTES must be")]
    [InlineData("TRUSTED_PROXIES", "10.0.0.0/99", "TRUSTED_PROXIES must list")]
    public void Refuses_to_start_published_with(string name, string? value, string fault)
    {
        var environment = TestSettings.Environment();
        environment["CARACAL_MODE"] = "stable";
        environment["STS_URL"] = environment["ISSUER_URL"] = "https://sts.example.com";
        environment["PORT"] = "4000";
        environment[name] = value;
        var refused = Assert.Throws<SettingsException>(() => TestSettings.Read(environment));
        Assert.Contains(refused.Faults, text => text.StartsWith(fault, StringComparison.Ordinal));
        Assert.Single(refused.Faults);
    }
}
