using System.Net;
using Caracal.ControlPlane.Control;
using Caracal.ControlPlane.ScheduledRotations;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Hosting.Settings;
using Caracal.Keys.Certificates;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.ControlPlane;

/// <summary>Every setting of the API: default and rule (api.md 13).</summary>
public sealed record ControlPlaneSettings
{
    /// <summary>The role's name.</summary>
    public const string Role = "api";

    public required ListenSettings Listen { get; init; }

    public required CaracalMode Mode { get; init; }

    /// <summary>Seals secrets in custody.</summary>
    public required KekRing Keks { get; init; }

    /// <summary>Signs audit events and the admin ledger; null only in dev.</summary>
    public required HmacKeyRing? AuditKeys { get; init; }

    /// <summary>Signs what the outbox relay publishes; null only in dev, where messages travel unsigned.</summary>
    public required HmacKeyRing? StreamKeys { get; init; }

    /// <summary>Signs calls to the STS; null only in dev, and then nothing is proven by simulation over HTTP.</summary>
    public required HmacKeyRing? GatewayStsKeys { get; init; }

    /// <summary>Where the STS is when it runs in another process.</summary>
    public required string StsUrl { get; init; }

    /// <summary><c>CARACAL_TLS_EXTRA_CA_FILE</c>: who may have signed the STS's certificate besides the system's authorities.</summary>
    public ExtraAuthorities Authorities { get; init; } = ExtraAuthorities.None;

    /// <summary>The same file, for calls to providers and sinks; null trusts the system alone.</summary>
    public string? ExtraAuthoritiesFile { get; init; }

    /// <summary><c>CARACAL_PRIVATE_EGRESS_HOSTS</c>: exact hosts inside private networks that providers and sinks may name.</summary>
    public IReadOnlyList<string> PrivateEgressHosts { get; init; } = [];

    /// <summary>The deployment token; null when unset.</summary>
    public required TokenRing? AdminToken { get; init; }

    /// <summary>Opens <c>POST /v1/bootstrap</c> and nothing else; null when unset.</summary>
    public required SecretText? BootstrapToken { get; init; }

    public required TokenRing? MetricsBearer { get; init; }

    /// <summary><c>CONSOLE_REPORT_TOKEN</c>; without it no console may report.</summary>
    public required TokenRing? ConsoleReportToken { get; init; }

    public int BodyLimit { get; init; } = 1_048_576;
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(75);
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Requests a minute per address and per token; 0 is off.</summary>
    public int RateLimit { get; init; } = 600;
    public int AuthFailLimit { get; init; } = 60;
    public int ReadyRateLimit { get; init; } = 120;
    public TimeSpan LastUsedDebounce { get; init; } = TimeSpan.FromSeconds(60);

    public int MaximumResourcesPerZone { get; init; } = 100_000;

    /// <summary>Dead outbox rows that readiness tolerates.</summary>
    public int ReadyDeadMaximum { get; init; }

    /// <summary>Ceiling of the stored retention.</summary>
    public int AuditRetentionDays { get; init; } = 365;

    /// <summary>Ceiling of the stored mint rate.</summary>
    public int MintRateLimit { get; init; } = 1_000;

    public TimeSpan OutboxRetention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Whether a policy may bring its own <c>result</c> (api.md 9.1).</summary>
    public bool CustomRego { get; init; } = true;

    /// <summary>Identifier of the Control resource (api.md 8).</summary>
    public string ControlAudience { get; init; } = "caracal-control";

    /// <summary>How long a rolled key must have served before a rotation is verified (operations.md 4.3).</summary>
    public TimeSpan RotationSoak { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Between the three looks at readiness of a verification.</summary>
    public TimeSpan RotationProbeInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Sealed values a second that a rotation of the key-encryption key re-encrypts; 0 is as fast as it goes.</summary>
    public int ReencryptionRate { get; init; } = 500;

    /// <summary>When keys rotate by themselves; null when they do not, which is the default.</summary>
    public ScheduleSettings? RotationSchedule { get; init; }

    /// <summary>The Control plugin; null where it is not there, which is the default.</summary>
    public ControlSettings? Control { get; init; }

    public bool TrustProxy { get; init; }
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>Reads and checks everything; faults stay with the reader, which throws them together.</summary>
    public static ControlPlaneSettings Read(SettingsReader reader)
    {
        var secrets = reader.Secrets;
        var published = reader.Published;
        reader.ServiceUrl("CARACAL_GATEWAY_URL", published ? null : "http://localhost:8081");
        var coordinatorUrl = reader.ServiceUrl("CARACAL_COORDINATOR_URL", published ? null : "http://localhost:4000") ?? "";
        if (reader.Text("CARACAL_SECRET_BACKEND", "builtin") != "builtin") reader.Fault("CARACAL_SECRET_BACKEND must be builtin");
        return new ControlPlaneSettings
        {
            Listen = ListenSettings.Read(reader, defaultPort: 3000),
            Mode = reader.Mode,
            Keks = secrets.KekRing(required: true)!,
            AuditKeys = secrets.HmacRing("AUDIT_HMAC_KEY", required: published),
            StreamKeys = secrets.HmacRing("STREAMS_HMAC_KEY", required: published),
            GatewayStsKeys = secrets.HmacRing("GATEWAY_STS_HMAC_KEY", required: published),
            StsUrl = reader.ServiceUrl("STS_URL", published ? null : "http://localhost:8080") ?? "",
            Authorities = ExtraAuthorities.Load(reader.Text("CARACAL_TLS_EXTRA_CA_FILE")),
            ExtraAuthoritiesFile = reader.Text("CARACAL_TLS_EXTRA_CA_FILE"),
            PrivateEgressHosts = reader.List("CARACAL_PRIVATE_EGRESS_HOSTS"),
            AdminToken = secrets.TokenRing("CARACAL_ADMIN_TOKEN", required: false),
            BootstrapToken = BootstrapTokenOf(reader),
            MetricsBearer = secrets.TokenRing("METRICS_BEARER", required: false),
            ConsoleReportToken = secrets.TokenRing(SecretFiles.ConsoleReportToken, required: false),
            BodyLimit = reader.Integer("API_BODY_LIMIT_BYTES", 1_048_576, 1, 64 * 1024 * 1024),
            RequestTimeout = reader.Milliseconds("REQUEST_TIMEOUT_MS", 30_000),
            KeepAlive = reader.Milliseconds("KEEP_ALIVE_TIMEOUT_MS", 75_000),
            ShutdownGrace = reader.Milliseconds("SHUTDOWN_GRACE_MS", 15_000),
            RateLimit = reader.Integer("API_V1_RATE_LIMIT_PER_MIN", 600, 0),
            AuthFailLimit = reader.Integer("ADMIN_AUTH_FAIL_LIMIT_PER_MIN", 60, 0),
            ReadyRateLimit = reader.Integer("READY_RATE_LIMIT_PER_MIN", 120, 0),
            LastUsedDebounce = TimeSpan.FromSeconds(reader.Integer("ADMIN_TOKEN_LAST_USED_DEBOUNCE_SEC", 60, 0)),
            MaximumResourcesPerZone = reader.Integer("API_MAX_RESOURCES_PER_ZONE", 100_000),
            ReadyDeadMaximum = reader.Integer("API_READY_OUTBOX_DEAD_MAX", 0, 0),
            AuditRetentionDays = reader.Integer("AUDIT_RETENTION_DAYS", 365),
            MintRateLimit = reader.Integer("STS_MINT_RATE_LIMIT_PER_MIN", 1_000),
            OutboxRetention = TimeSpan.FromDays(reader.Integer("OUTBOX_RETENTION_DAYS", 7, 1, 3_650)),
            CustomRego = reader.Boolean("POLICY_CUSTOM_REGO", true),
            ControlAudience = reader.Text("CONTROL_AUDIENCE", "caracal-control"),
            RotationSoak = TimeSpan.FromSeconds(reader.Integer("ROTATION_SOAK_SECONDS", 60, 0, 86_400)),
            RotationProbeInterval = reader.Milliseconds("ROTATION_PROBE_INTERVAL_MS", 5_000, 0),
            ReencryptionRate = reader.Integer("REENCRYPTION_ROWS_PER_SECOND", 500, 0, 1_000_000),
            RotationSchedule = ScheduleSettings.Read(reader),
            Control = ControlSettings.Read(reader, coordinatorUrl),
            TrustProxy = reader.Boolean("TRUST_PROXY", false),
            TrustedProxies = Networks(reader, "TRUSTED_PROXIES"),
        };
    }

    private static SecretText? BootstrapTokenOf(SettingsReader reader)
    {
        if (reader.Secrets.Find("BOOTSTRAP_ADMIN_TOKEN")?.Value is not { } token) return null;
        if (reader.Published && SecretRules.TokenWeakness(token.Reveal()) is { } weakness) reader.Fault($"BOOTSTRAP_ADMIN_TOKEN {weakness}");
        return token;
    }

    private static List<IPNetwork> Networks(SettingsReader reader, string name)
    {
        var networks = new List<IPNetwork>();
        foreach (var text in reader.List(name))
        {
            if (IPNetwork.TryParse(text, out var network)) networks.Add(network);
            else if (IPAddress.TryParse(text, out var address)) networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            else reader.Fault($"{name} must list addresses or networks such as 10.0.0.0/8");
        }

        return networks;
    }
}
