using System.Net;
using Caracal.Evidence.Journals;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Hosting.Settings;
using Caracal.Keys.Certificates;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Gateway;

/// <summary>Every variable of the Gateway with its default and rule (gateway.md A14). The stores are the stack's.</summary>
public sealed record GatewaySettings
{
    public const string Role = "gateway";
    public const int DefaultPort = 8081;

    public required CaracalMode Mode { get; init; }
    public required ListenSettings Listen { get; init; }

    /// <summary><c>STS_URL</c>.</summary>
    public required string StsUrl { get; init; }

    /// <summary><c>STREAMS_HMAC_KEY</c>: required in every mode, because a revocation nobody signed is no revocation.</summary>
    public required HmacKeyRing StreamKeys { get; init; }

    /// <summary><c>AUDIT_HMAC_KEY</c>; null only in dev.</summary>
    public HmacKeyRing? AuditKeys { get; init; }

    /// <summary><c>GATEWAY_STS_HMAC_KEY</c>; null only in dev.</summary>
    public HmacKeyRing? StsKeys { get; init; }

    /// <summary><c>CARACAL_ADMIN_TOKEN</c>: opens the reload route; without it the route does not exist.</summary>
    public TokenRing? AdminToken { get; init; }

    /// <summary><c>METRICS_BEARER</c>.</summary>
    public TokenRing? MetricsToken { get; init; }

    /// <summary><c>CARACAL_TLS_EXTRA_CA_FILE</c>: who may have signed the STS's certificate besides the system's authorities.</summary>
    public ExtraAuthorities Authorities { get; init; } = ExtraAuthorities.None;

    public TimeSpan StsTimeout { get; init; } = TimeSpan.FromSeconds(5);
    public TimeSpan UpstreamTimeout { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan ReadHeaderTimeout { get; init; } = TimeSpan.FromSeconds(5);
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(45);
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(60);
    public TimeSpan StreamIdleTimeout { get; init; } = TimeSpan.FromSeconds(60);
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(120);
    public long MaxRequestBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary><c>MCP_MAX_MESSAGE_BYTES</c>: an MCP message is read before it is forwarded, so it has a bound of its own.</summary>
    public int MaxMcpMessageBytes { get; init; } = 1024 * 1024;

    /// <summary>Bytes that all MCP messages on their way through may take together; no variable sets it.</summary>
    public long MaxHeldMcpBytes { get; init; } = 64 * 1024 * 1024;
    public int MaxBearerBytes { get; init; } = 8192;

    /// <summary><c>UPSTREAM_HOST_ALLOWLIST</c>; empty means any host.</summary>
    public IReadOnlyList<string> UpstreamHostAllowlist { get; init; } = [];

    /// <summary><c>ALLOW_PRIVATE_UPSTREAMS</c>.</summary>
    public bool AllowPrivateUpstreams { get; init; }

    /// <summary><c>CARACAL_PRIVATE_EGRESS_HOSTS</c>.</summary>
    public IReadOnlyList<string> PrivateEgressHosts { get; init; } = [];

    /// <summary><c>JTI_FAIL_OPEN</c>: dev only.</summary>
    public bool JtiFailOpen { get; init; }

    /// <summary><c>TRUST_PROXY</c>.</summary>
    public bool TrustProxy { get; init; }

    /// <summary><c>TRUSTED_PROXIES</c>: addresses and networks.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary><c>AUDIT_REPLAY_DIR</c>: where the journal lives.</summary>
    public string AuditReplayDirectory { get; init; } = "/var/lib/caracal/audit-replay";

    /// <summary><c>AUDIT_RECEIPTS</c>: answers carry <c>X-Caracal-Receipt</c>.</summary>
    public bool GivesReceipts { get; init; }

    /// <summary><c>AUDIT_FSYNC</c>.</summary>
    public JournalFsync AuditFsync { get; init; } = JournalFsync.Always;

    /// <summary>Reads everything; faults stay with the reader.</summary>
    public static GatewaySettings Read(SettingsReader reader)
    {
        var settings = new GatewaySettings
        {
            Mode = reader.Mode,
            Listen = ListenSettings.Read(reader, DefaultPort),
            StsUrl = reader.ServiceUrl("STS_URL", null) ?? "",
            StreamKeys = reader.Secrets.HmacRing(SecretFiles.StreamsHmacKey, required: true)!,
            AuditKeys = reader.Secrets.HmacRing(SecretFiles.AuditHmacKey, reader.Published),
            StsKeys = reader.Secrets.HmacRing(SecretFiles.GatewayStsHmacKey, reader.Published),
            AdminToken = reader.Secrets.TokenRing(SecretFiles.AdminToken, required: false),
            MetricsToken = reader.Secrets.TokenRing(SecretFiles.MetricsBearer, required: false),
            Authorities = ExtraAuthorities.Load(reader.Text("CARACAL_TLS_EXTRA_CA_FILE")),
            StsTimeout = reader.Duration("STS_TIMEOUT", TimeSpan.FromSeconds(5)),
            UpstreamTimeout = reader.Duration("UPSTREAM_TIMEOUT", TimeSpan.FromSeconds(30)),
            ReadHeaderTimeout = reader.Duration("READ_HEADER_TIMEOUT", TimeSpan.FromSeconds(5)),
            ReadTimeout = reader.Duration("READ_TIMEOUT", TimeSpan.FromSeconds(45)),
            WriteTimeout = reader.Duration("WRITE_TIMEOUT", TimeSpan.FromSeconds(60)),
            StreamIdleTimeout = reader.Duration("STREAM_IDLE_TIMEOUT", TimeSpan.FromSeconds(60)),
            IdleTimeout = reader.Duration("IDLE_TIMEOUT", TimeSpan.FromSeconds(120)),
            MaxMcpMessageBytes = reader.Integer("MCP_MAX_MESSAGE_BYTES", 1024 * 1024),
            MaxRequestBytes = reader.Integer("MAX_REQUEST_BYTES", 10 * 1024 * 1024),
            MaxBearerBytes = reader.Integer("MAX_BEARER_BYTES", 8192, maximum: 16 * 1024),
            UpstreamHostAllowlist = reader.List("UPSTREAM_HOST_ALLOWLIST"),
            AllowPrivateUpstreams = reader.Boolean("ALLOW_PRIVATE_UPSTREAMS", false),
            PrivateEgressHosts = reader.List("CARACAL_PRIVATE_EGRESS_HOSTS"),
            JtiFailOpen = reader.Boolean("JTI_FAIL_OPEN", false),
            TrustProxy = reader.Boolean("TRUST_PROXY", false),
            TrustedProxies = ReadNetworks(reader, "TRUSTED_PROXIES"),
            AuditReplayDirectory = reader.Text("AUDIT_REPLAY_DIR", "/var/lib/caracal/audit-replay"),
            GivesReceipts = reader.Boolean("AUDIT_RECEIPTS", false),
            AuditFsync = ReadFsync(reader),
        };
        Check(settings, reader);
        return settings;
    }

    private static void Check(GatewaySettings settings, SettingsReader reader)
    {
        if (settings.ReadTimeout <= settings.StsTimeout + settings.UpstreamTimeout)
        {
            reader.Fault("READ_TIMEOUT must exceed STS_TIMEOUT plus UPSTREAM_TIMEOUT");
        }

        if (reader.Published && settings.JtiFailOpen)
        {
            reader.Fault("JTI_FAIL_OPEN must not be true outside dev: replays would pass whenever the store is down");
        }

        if (reader.Published && !settings.Listen.Tls && !reader.Boolean("CARACAL_INTERNAL_PLAINTEXT", false))
        {
            reader.Fault("TLS_CERT_FILE and TLS_KEY_FILE are required (or set CARACAL_INTERNAL_PLAINTEXT=true when TLS ends in front of the Gateway)");
        }
    }

    private static JournalFsync ReadFsync(SettingsReader reader)
    {
        switch (reader.Text("AUDIT_FSYNC")?.ToLowerInvariant())
        {
            case null:
                return reader.Published ? JournalFsync.Always : JournalFsync.Interval;
            case "always":
                return JournalFsync.Always;
            case "interval":
                return JournalFsync.Interval;
            default:
                reader.Fault("AUDIT_FSYNC must be always or interval");
                return JournalFsync.Always;
        }
    }

    private static List<IPNetwork> ReadNetworks(SettingsReader reader, string name)
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
                reader.Fault($"{name} must list IP addresses or CIDR networks");
            }
        }

        return networks;
    }
}
