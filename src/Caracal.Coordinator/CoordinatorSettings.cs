using System.Net;
using Caracal.Hosting.Http;
using Caracal.Hosting.Settings;
using Caracal.Keys.Certificates;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;

namespace Caracal.Coordinator;

/// <summary>Every setting of the Coordinator: default and rule (coordinator.md 1).</summary>
public sealed record CoordinatorSettings
{
    public required ListenSettings Listen { get; init; }

    /// <summary>rc or stable.</summary>
    public required bool Published { get; init; }

    /// <summary><c>iss</c> and <c>aud</c> of every bearer.</summary>
    public required string IssuerUrl { get; init; }

    /// <summary>Where the JWKS comes from when the STS is another process.</summary>
    public required string StsUrl { get; init; }
    public TimeSpan StsTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary><c>CARACAL_TLS_EXTRA_CA_FILE</c>: who may have signed the STS's certificate besides the system's authorities.</summary>
    public ExtraAuthorities Authorities { get; init; } = ExtraAuthorities.None;
    public required string Scope { get; init; }
    public required TokenRing? OperatorToken { get; init; }
    public required TokenRing? MetricsBearer { get; init; }

    /// <summary>Null only in dev: messages then travel unsigned.</summary>
    public required HmacKeyRing? StreamsKeys { get; init; }

    /// <summary>Null only in dev: admin audit links then carry no HMAC.</summary>
    public required HmacKeyRing? AuditKeys { get; init; }
    public required HmacKeyRing IdempotencyKeys { get; init; }
    public required bool RequireSubjectProof { get; init; }

    public int MaximumSessionsPerZone { get; init; } = 50;
    public int MaximumSessionsPerApplication { get; init; } = 200;
    public TimeSpan LeaseTime { get; init; } = TimeSpan.FromSeconds(120);

    public TimeSpan OutboxInterval { get; init; } = TimeSpan.FromSeconds(1);
    public int OutboxBatchSize { get; init; } = 50;
    public int OutboxMaximumAttempts { get; init; } = 10;
    public int StreamsMaximumLength { get; init; } = 100_000;

    public TimeSpan TtlSweepInterval { get; init; } = TimeSpan.FromSeconds(60);
    public TimeSpan ServiceLeaseSweepInterval { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan DeadlineSweepInterval { get; init; } = TimeSpan.FromSeconds(5);
    public int SweeperBatchSize { get; init; } = 500;
    public TimeSpan RetentionInterval { get; init; } = TimeSpan.FromMinutes(15);
    public int RetentionBatchSize { get; init; } = 500;
    public TimeSpan SessionRetention { get; init; } = TimeSpan.FromDays(90);
    public TimeSpan DelegationRetention { get; init; } = TimeSpan.FromDays(90);
    public TimeSpan OutboxRetention { get; init; } = TimeSpan.FromDays(7);

    public TimeSpan ReceiptRetention { get; init; } = TimeSpan.FromDays(7);
    public TimeSpan GeneratedReceiptRetention { get; init; } = TimeSpan.FromDays(1);
    public int MaximumReceiptsPerScope { get; init; } = 10_000;

    public int BodyLimit { get; init; } = 262_144;
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(75);
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Requests a minute per client, or per address before authentication; 0 is off.</summary>
    public int RateLimit { get; init; } = 600;
    public int ReadyRateLimit { get; init; } = 120;
    public int VerifyRateLimit { get; init; } = 60;

    /// <summary>Invocation calls a minute per client; 0 is off.</summary>
    public int InvocationRateLimit { get; init; } = 120;

    public TimeSpan RelayClaimIdle { get; init; } = TimeSpan.FromSeconds(60);
    public TimeSpan RelayDedupeWindow { get; init; } = TimeSpan.FromHours(1);
    public string RelayConsumer { get; init; } = "coordinator-relay-0";

    /// <summary>Take the client's address from <c>X-Forwarded-For</c> when the peer is trusted (gateway.md A9).</summary>
    public bool TrustProxy { get; init; }
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>Reads and checks everything; faults stay with the reader, which throws them together.</summary>
    public static CoordinatorSettings Read(SettingsReader reader)
    {
        var secrets = reader.Secrets;
        var published = reader.Published;
        return new CoordinatorSettings
        {
            Listen = ListenSettings.Read(reader, defaultPort: 4000),
            Published = published,
            StsUrl = reader.ServiceUrl("STS_URL", null) ?? "",
            StsTimeout = reader.Duration("STS_TIMEOUT", TimeSpan.FromSeconds(5)),
            Authorities = ExtraAuthorities.Load(reader.Text("CARACAL_TLS_EXTRA_CA_FILE")),
            IssuerUrl = IssuerUrlOf(reader),
            Scope = reader.Text("AGENT_COORDINATOR_SCOPE", "agent:lifecycle"),
            OperatorToken = secrets.TokenRing("CARACAL_COORDINATOR_TOKEN", required: false),
            MetricsBearer = secrets.TokenRing("METRICS_BEARER", required: false),
            StreamsKeys = secrets.HmacRing("STREAMS_HMAC_KEY", required: published),
            AuditKeys = secrets.HmacRing("AUDIT_HMAC_KEY", required: published),
            IdempotencyKeys = secrets.HmacRing("IDEMPOTENCY_HMAC_KEY", required: published) ?? IdempotencyDigest.DevelopmentRing(),
            RequireSubjectProof = reader.Boolean("COORDINATOR_REQUIRE_SUBJECT_PROOF", true),
            MaximumSessionsPerZone = reader.Integer("MAX_AGENTS_PER_ZONE", 50),
            MaximumSessionsPerApplication = reader.Integer("MAX_AGENTS_PER_APP", 200),
            LeaseTime = Seconds(reader, "SERVICE_AGENT_LEASE_SECONDS", 120, 1),
            OutboxInterval = reader.Milliseconds("OUTBOX_INTERVAL_MS", 1_000),
            OutboxBatchSize = reader.Integer("OUTBOX_BATCH_SIZE", 50),
            OutboxMaximumAttempts = reader.Integer("OUTBOX_MAX_ATTEMPTS", 10),
            StreamsMaximumLength = reader.Integer("STREAMS_MAXLEN", 100_000),
            TtlSweepInterval = reader.Milliseconds("TTL_SWEEP_INTERVAL_MS", 60_000),
            ServiceLeaseSweepInterval = reader.Milliseconds("SERVICE_LEASE_SWEEP_INTERVAL_MS", 30_000),
            DeadlineSweepInterval = reader.Milliseconds("DEADLINE_SWEEP_INTERVAL_MS", 5_000),
            SweeperBatchSize = reader.Integer("SWEEPER_BATCH_SIZE", 500),
            RetentionInterval = reader.Milliseconds("RETENTION_CLEANUP_INTERVAL_MS", 900_000),
            RetentionBatchSize = reader.Integer("RETENTION_CLEANUP_BATCH_SIZE", 500),
            SessionRetention = Days(reader, "SESSION_RETENTION_DAYS", 90),
            DelegationRetention = Days(reader, "DELEGATION_RETENTION_DAYS", 90),
            OutboxRetention = Days(reader, "OUTBOX_RETENTION_DAYS", 7),
            ReceiptRetention = Seconds(reader, "IDEMPOTENCY_RETENTION_SECONDS", 604_800, 3_600),
            GeneratedReceiptRetention = Seconds(reader, "GENERATED_IDEMPOTENCY_RETENTION_SECONDS", 86_400, 3_600),
            MaximumReceiptsPerScope = reader.Integer("IDEMPOTENCY_MAX_RECEIPTS_PER_SCOPE", 10_000, 100),
            BodyLimit = reader.Integer("COORDINATOR_BODY_LIMIT_BYTES", 262_144, 1_024),
            RequestTimeout = reader.Milliseconds("REQUEST_TIMEOUT_MS", 30_000),
            KeepAlive = reader.Milliseconds("KEEP_ALIVE_TIMEOUT_MS", 75_000),
            ShutdownGrace = reader.Milliseconds("SHUTDOWN_GRACE_MS", 15_000),
            RateLimit = reader.Integer("COORDINATOR_RATE_LIMIT_PER_MIN", 600, 0),
            ReadyRateLimit = reader.Integer("READY_RATE_LIMIT_PER_MIN", 120, 0),
            VerifyRateLimit = reader.Integer("VERIFY_RATE_LIMIT_PER_MIN", 60, 0),
            InvocationRateLimit = reader.Integer("INVOCATION_RATE_LIMIT_PER_MIN", 120, 0),
            RelayClaimIdle = Seconds(reader, "RELAY_CLAIM_IDLE_SEC", 60, 1),
            RelayDedupeWindow = Seconds(reader, "RELAY_DEDUPE_WINDOW_SEC", 3_600, 1),
            RelayConsumer = reader.Text("RELAY_CONSUMER_NAME") ?? reader.Text("HOSTNAME") ?? "coordinator-relay-0",
            TrustProxy = reader.Boolean("TRUST_PROXY", false),
            TrustedProxies = Networks(reader, "TRUSTED_PROXIES"),
        };
    }

    private static TimeSpan Seconds(SettingsReader reader, string name, int whenUnset, int minimum) =>
        TimeSpan.FromSeconds(reader.Integer(name, whenUnset, minimum));

    private static TimeSpan Days(SettingsReader reader, string name, int whenUnset) =>
        TimeSpan.FromDays(reader.Integer(name, whenUnset, 1, 36_500));

    // The issuer only has to be right, it is never dialled: http is allowed for loopback or by the switch alone.
    private static string IssuerUrlOf(SettingsReader reader)
    {
        var text = reader.Url("ISSUER_URL", null) ?? "";
        if (reader.Published && Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttp
            && !url.IsLoopback && !reader.Boolean("CARACAL_ALLOW_INSECURE_CONFIG_URLS", false))
        {
            reader.Fault("ISSUER_URL must use https (or name a loopback host, or set CARACAL_ALLOW_INSECURE_CONFIG_URLS=true)");
        }

        return text;
    }

    private static List<IPNetwork> Networks(SettingsReader reader, string name)
    {
        var networks = new List<IPNetwork>();
        foreach (var text in reader.List(name))
        {
            if (IPNetwork.TryParse(text, out var network))
            {
                networks.Add(network);
            }
            else if (IPAddress.TryParse(text, out var address))
            {
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            }
            else
            {
                reader.Fault($"{name} must list addresses or networks such as 10.0.0.0/8");
            }
        }

        return networks;
    }
}
