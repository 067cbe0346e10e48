using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Caracal.Hosting.Settings;
using Caracal.Keys.Secrets;

namespace Caracal.Stack.Tests;

/// <summary>Every rule of operations.md 2.4: refused in rc and stable, each with exactly that one fault; let pass in dev.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ModeRuleTests : IDisposable
{
    private const string Strong = "8f1d0c6a52b97e43";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-modes-");
    private readonly StringWriter log = new();

    private string Secrets => Path.Combine(folder.FullName, "secrets");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [Trait("requirement", "R33 (PORT must be)")]
    [Trait("requirement", "R55 (TLS_CERT_FILE and TLS_KEY_FILE are required)")]
    [Trait("requirement", "R56 (INSECURE_HTTP is refused outside dev)")]
    [InlineData("INSECURE_STS", "true", "INSECURE_STS is refused outside dev")]
    [InlineData("INSECURE_STS", "1", "INSECURE_STS is refused outside dev")]
    [InlineData("INSECURE_HTTP", "Yes", "INSECURE_HTTP is refused outside dev")]
    [InlineData("INSECURE_HTTP", "ON", "INSECURE_HTTP is refused outside dev")]
    [InlineData("JTI_FAIL_OPEN", "true", "JTI_FAIL_OPEN must not be true outside dev")]
    [InlineData("CARACAL_INTERNAL_PLAINTEXT", "false", "TLS_CERT_FILE and TLS_KEY_FILE are required")]
    [InlineData("CARACAL_ALLOW_CUSTOM_PORTS", "false", "PORT must be")]
    [InlineData("STREAMS_HMAC_KEY", "0000000000000000000000000000000000000000000000000000000000000000", "STREAMS_HMAC_KEY must not be all zeros")]
    [InlineData("CARACAL_ADMIN_TOKEN", "changeme", "CARACAL_ADMIN_TOKEN must not be a placeholder value")]
    [InlineData("METRICS_BEARER", "short", "METRICS_BEARER must carry at least 32 random bytes")]
    [InlineData("STS_URL", "http://sts.example.com", "STS_URL must use https")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example.com:4318", "OTEL_EXPORTER_OTLP_ENDPOINT must use https")]
    public async Task A_published_mode_refuses_what_dev_lets_pass(string name, string value, string expected)
    {
        foreach (var mode in (string[])["rc", "stable", ""])
        {
            var faults = await FaultsAsync(mode, (name, value));
            Assert.NotEmpty(faults);
            Assert.All(faults, fault => Assert.StartsWith(expected, fault, StringComparison.Ordinal));
        }

        Assert.Empty(await FaultsAsync("dev", (name, value)));
    }

    [Theory]
    [Trait("requirement", "R52")]
    [Trait("requirement", "R71 (streamsHmacKey)")]
    [InlineData("streamsHmacKey", "STREAMS_HMAC_KEY is required (", "api, audit, coordinator, gateway, sts")]
    [InlineData("auditHmacKey", "AUDIT_HMAC_KEY is required (", "api, audit, coordinator, gateway, sts")]
    [InlineData("gatewayStsHmacKey", "GATEWAY_STS_HMAC_KEY is required (", "api, gateway, sts")]
    [InlineData("idempotencyHmacKey", "IDEMPOTENCY_HMAC_KEY is required (", "coordinator")]
    [InlineData("zoneKek", "ZONE_KEK is required (", "api, sts")]
    public async Task A_published_mode_requires_each_key_of_exactly_the_roles_that_use_it(string file, string expected, string roles)
    {
        SecretFolder.Provision(Secrets);
        File.Delete(Path.Combine(Secrets, file));
        var fault = Assert.Single(await FaultsAsync("stable"), fault => fault.StartsWith(expected, StringComparison.Ordinal));
        Assert.Equal(roles, string.Join(", ", fault[expected.Length..^1].Split(", ").Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task A_complete_published_configuration_has_no_fault() => Assert.Empty(await FaultsAsync("stable"));

    [Theory]
    [InlineData("production")]
    [InlineData("devel")]
    public async Task A_mode_of_another_name_is_refused_and_held_to_the_strict_rules(string mode)
    {
        var faults = await FaultsAsync(mode, ("INSECURE_STS", "true"));
        Assert.Contains(faults, fault => fault.StartsWith("CARACAL_MODE must be 'dev', 'rc', or 'stable'", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.StartsWith("INSECURE_STS is refused outside dev", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_refused_start_is_one_log_line_with_every_problem()
    {
        await FaultsAsync("stable", ("INSECURE_STS", "true"), ("JTI_FAIL_OPEN", "true"), ("STS__OPA_POLL_SECONDS", "0"));

        var line = Assert.Single(Lines(), line => line.GetProperty("event").GetString() == "startup_config_invalid");
        Assert.Equal("error", line.GetProperty("level").GetString());
        var problems = line.GetProperty("problems").EnumerateArray().Select(problem => problem.GetString()!).ToList();
        Assert.Equal(3, problems.Count);
        Assert.Contains(problems, problem => problem.StartsWith("OPA_POLL_SECONDS", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Dev_starts_without_signing_keys_and_with_insecure_switches_and_warns_of_each()
    {
        SecretFolder.Provision(Secrets);
        File.Delete(Path.Combine(Secrets, "auditHmacKey"));
        await using (await CaracalStack.StartAsync(Options("dev", [("INSECURE_STS", "true")]), default))
        {
        }

        var warnings = Lines().Where(line => line.GetProperty("event").GetString() == "settings_warning")
            .Select(line => line.GetProperty("warning").GetString()!).ToList();
        Assert.Contains(warnings, warning => warning.StartsWith("AUDIT_HMAC_KEY is not set", StringComparison.Ordinal));
        Assert.Contains(warnings, warning => warning.StartsWith("INSECURE_STS is set", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("postgres://u:changeme@127.0.0.1/d", "redis://:" + Strong + "@127.0.0.1", "DATABASE_URL: the password must not be a placeholder value")]
    [InlineData("postgres://u:" + Strong + "@127.0.0.1/d", "redis://:secret@127.0.0.1", "REDIS_URL: the password must not be a placeholder value")]
    [InlineData("postgres://u:" + Strong + "@db.example.com/d", "redis://:" + Strong + "@127.0.0.1", "DATABASE_URL must carry sslmode=require")]
    [InlineData("postgres://u:" + Strong + "@127.0.0.1/d", "redis://:" + Strong + "@db.example.com", "REDIS_URL must use rediss://")]
    public async Task A_published_mode_refuses_weak_addresses_of_stores(string database, string redis, string expected)
    {
        // A second fault keeps dev from dialling the stores.
        var faults = await FaultsAsync("stable", ("DATABASE_URL", database), ("REDIS_URL", redis));
        Assert.StartsWith(expected, Assert.Single(faults), StringComparison.Ordinal);
        var dev = await FaultsAsync("dev", ("DATABASE_URL", database), ("REDIS_URL", redis), ("STS__OPA_POLL_SECONDS", "0"));
        Assert.StartsWith("OPA_POLL_SECONDS", Assert.Single(dev), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("zoneKek")]
    [InlineData("caracalAdminToken")]
    public async Task A_published_mode_refuses_a_secret_that_another_user_may_change(string file)
    {
        SecretFolder.Provision(Secrets);
        File.SetUnixFileMode(Path.Combine(Secrets, file), (UnixFileMode)0b110_110_000);
        Assert.All(await FaultsAsync("stable"), fault => Assert.Contains($"{file} is 0o660: other users may change it", fault, StringComparison.Ordinal));
        Assert.NotEmpty(await FaultsAsync("stable"));
        Assert.Empty(await FaultsAsync("dev"));
    }

    [Fact]
    public void A_tls_key_that_another_user_may_change_is_refused_and_an_expired_certificate_is_told()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(-1));
        var (certificateFile, keyFile) = (Path.Combine(folder.FullName, "tls.crt"), Path.Combine(folder.FullName, "tls.key"));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(keyFile, (UnixFileMode)0b110_100_010);

        var reader = Read("stable");
        Assert.Contains(reader.Faults, fault => fault.StartsWith("TLS_KEY_FILE ", StringComparison.Ordinal) && fault.Contains("0o642", StringComparison.Ordinal));
        Assert.Contains(reader.Warnings, warning => warning.StartsWith("TLS_CERT_FILE has expired", StringComparison.Ordinal));
        Assert.Empty(Read("dev").Faults);

        File.SetUnixFileMode(keyFile, (UnixFileMode)0b110_000_000);
        Assert.Empty(Read("stable").Faults);

        SettingsReader Read(string mode)
        {
            var settings = new SettingsReader(
                new Dictionary<string, string?>(StringComparer.Ordinal) { ["CARACAL_MODE"] = mode, ["TLS_CERT_FILE"] = certificateFile, ["TLS_KEY_FILE"] = keyFile }, "sts");
            Hosting.Http.ListenSettings.Read(settings, 8080);
            return settings;
        }
    }

    private List<JsonElement> Lines() =>
        [.. log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).Where(line => line.TryGetProperty("event", out _))];

    private async Task<IReadOnlyList<string>> FaultsAsync(string mode, params (string Name, string Value)[] more)
    {
        SecretFolder.Prepare(Secrets);
        if (!Directory.EnumerateFiles(Secrets).Any()) SecretFolder.Provision(Secrets);
        try
        {
            await using var stack = await CaracalStack.StartAsync(Options(mode, more), default);
            return [];
        }
        catch (SettingsException refused)
        {
            return refused.Faults;
        }
    }

    private StackOptions Options(string mode, (string Name, string Value)[] more)
    {
        var data = Path.Combine(folder.FullName, "data-" + Guid.NewGuid().ToString("N"));
        SecretFolder.Prepare(data);
        var variables = new Dictionary<string, string?>(FreePorts.Variables(), StringComparer.Ordinal)
        {
            ["CARACAL_MODE"] = mode,
            ["CARACAL_SECRETS_DIR"] = Secrets,
            ["CARACAL_INTERNAL_PLAINTEXT"] = "true",
            ["CARACAL_ALLOW_CUSTOM_PORTS"] = "true",
            ["CARACAL_ALLOW_INSECURE_CONFIG_URLS"] = "true", // for near hosts only: the roles of this process
            ["HOST"] = "127.0.0.1",
        };
        foreach (var (name, value) in more) variables[name] = value;
        return new StackOptions { Variables = variables, DataDirectory = data, Log = TextWriter.Synchronized(log) };
    }
}
