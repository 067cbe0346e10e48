using Caracal.Hosting.Settings;
using Caracal.TestKit;

namespace Caracal.Gateway.Tests;

public sealed class GatewaySettingsTests : IDisposable
{
    private const string Key1 = "3f9a1c7e5b2d8046af13c95e7d0b68427c1fe8a3905d4b6c82e7f01394ad5c6b";
    private const string Key2 = "a41d7b90e3c8f52617bd04e96fa385c2d90e1b7463f8ac5d20e94b71c6835fda";
    private const string Key3 = "7be20d94c1a6f3850e47db92a5c1380f6e93b4d7028cfa51e86d3709b24c1fe5";

    private readonly CertificateFolder _tls = new();

    private Dictionary<string, string?> Good => new(StringComparer.Ordinal)
    {
        ["CARACAL_MODE"] = "stable",
        ["STS_URL"] = "https://sts.example.com",
        ["STREAMS_HMAC_KEY"] = Key1,
        ["AUDIT_HMAC_KEY"] = Key2,
        ["GATEWAY_STS_HMAC_KEY"] = Key3,
        ["TLS_CERT_FILE"] = _tls.Certificate,
        ["TLS_KEY_FILE"] = _tls.Key,
    };

    public void Dispose() => _tls.Dispose();

    [Theory]
    [Trait("requirement", "R59 (http://sts.example.com)")]
    [Trait("requirement", "R82 (JTI_FAIL_OPEN)")]
    [InlineData("INSECURE_HTTP", "true", "INSECURE_HTTP")]
    [InlineData("INSECURE_STS", "1", "INSECURE_STS")]
    [InlineData("JTI_FAIL_OPEN", "true", "JTI_FAIL_OPEN")]
    [InlineData("STREAMS_HMAC_KEY", "abcd", "STREAMS_HMAC_KEY")]
    [InlineData("STREAMS_HMAC_KEY", null, "STREAMS_HMAC_KEY")]
    [InlineData("AUDIT_HMAC_KEY", null, "AUDIT_HMAC_KEY")]
    [InlineData("GATEWAY_STS_HMAC_KEY", null, "GATEWAY_STS_HMAC_KEY")]
    [InlineData("STS_URL", null, "STS_URL")]
    [InlineData("STS_URL", "http://sts.example.com", "STS_URL")]
    [InlineData("STS_URL", "http://localhost:8080", "STS_URL")]
    [InlineData("TLS_KEY_FILE", null, "TLS_KEY_FILE")]
    [InlineData("READ_TIMEOUT", "30s", "READ_TIMEOUT")]
    [InlineData("UPSTREAM_TIMEOUT", "30", "UPSTREAM_TIMEOUT")]
    [InlineData("STS_TIMEOUT", "-5s", "STS_TIMEOUT")]
    [InlineData("MAX_REQUEST_BYTES", "0", "MAX_REQUEST_BYTES")]
    [InlineData("ALLOW_PRIVATE_UPSTREAMS", "maybe", "ALLOW_PRIVATE_UPSTREAMS")]
    [InlineData("TRUSTED_PROXIES", "10.0.0.0/40", "TRUSTED_PROXIES")]
    [InlineData("AUDIT_FSYNC", "sometimes", "AUDIT_FSYNC")]
    [InlineData("PORT", "8082", "PORT")]
    [InlineData("CARACAL_MODE", "prod", "CARACAL_MODE")]
    public void A_published_gateway_does_not_start_with(string name, string? value, string named) =>
        Assert.Contains(Faults((name, value)), fault => fault.Contains(named, StringComparison.Ordinal));

    [Fact]
    public void A_certificate_that_is_not_there_is_named_at_start() =>
        Assert.Contains(Faults(("TLS_CERT_FILE", "/nowhere/cert.pem")), fault => fault.Contains("TLS_CERT_FILE", StringComparison.Ordinal));

    [Fact]
    public void Plaintext_needs_to_be_asked_for()
    {
        Assert.Contains(
            Faults(("TLS_CERT_FILE", null), ("TLS_KEY_FILE", null)),
            fault => fault.Contains("CARACAL_INTERNAL_PLAINTEXT", StringComparison.Ordinal));
        Assert.Empty(Faults(("TLS_CERT_FILE", null), ("TLS_KEY_FILE", null), ("CARACAL_INTERNAL_PLAINTEXT", "true")));
    }

    [Fact]
    public void Http_to_the_sts_needs_a_near_host_and_the_switch() =>
        Assert.Empty(Faults(("STS_URL", "http://sts:8080"), ("CARACAL_ALLOW_INSECURE_CONFIG_URLS", "true")));

    [Fact]
    public void Every_fault_is_named_at_once_and_no_secret_is()
    {
        var faults = Faults(("STREAMS_HMAC_KEY", "secretsecret"), ("STS_URL", null), ("READ_TIMEOUT", "1s"));
        Assert.True(faults.Count >= 3);
        Assert.DoesNotContain("secretsecret", string.Concat(faults), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("requirement", "R82")]
    [Trait("requirement", "R87")]
    [Trait("requirement", "R88")]
    public void The_defaults_are_those_of_the_specification()
    {
        var settings = GatewaySettings.Read(new SettingsReader(Good, GatewaySettings.Role));
        Assert.Equal(
            (8081, 5, 30, 45, 60, 60, 120),
            (settings.Listen.Port, settings.StsTimeout.Seconds, settings.UpstreamTimeout.Seconds, settings.ReadTimeout.Seconds,
                (int)settings.WriteTimeout.TotalSeconds, (int)settings.StreamIdleTimeout.TotalSeconds, (int)settings.IdleTimeout.TotalSeconds));
        Assert.Equal((10_485_760L, 8192), (settings.MaxRequestBytes, settings.MaxBearerBytes));
        Assert.Equal((false, false, false), (settings.AllowPrivateUpstreams, settings.JtiFailOpen, settings.TrustProxy));
        Assert.Empty(Faults());
    }

    [Fact]
    public void Dev_needs_only_the_sts_and_the_streams_key() =>
        Assert.Empty(Faults(
            ("CARACAL_MODE", "dev"), ("STS_URL", "http://localhost:8080"), ("AUDIT_HMAC_KEY", null), ("GATEWAY_STS_HMAC_KEY", null),
            ("TLS_CERT_FILE", null), ("TLS_KEY_FILE", null), ("JTI_FAIL_OPEN", "true"), ("PORT", "9999")));

    private IReadOnlyList<string> Faults(params (string Name, string? Value)[] changes)
    {
        var environment = new Dictionary<string, string?>(Good, StringComparer.Ordinal);
        foreach (var (name, value) in changes)
        {
            environment[name] = value;
        }

        var reader = new SettingsReader(environment, GatewaySettings.Role);
        GatewaySettings.Read(reader);
        return reader.Faults;
    }
}
