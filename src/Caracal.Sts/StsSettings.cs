using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;

namespace Caracal.Sts;

/// <summary>Every setting of the STS: variable, default and rule (sts.md 13).</summary>
public sealed record StsSettings
{
    public const string Role = "sts";

    public required CaracalMode Mode { get; init; }
    public required ListenSettings Listen { get; init; }

    /// <summary><c>ISSUER_URL</c>, verbatim.</summary>
    public required string Issuer { get; init; }

    /// <summary><c>ZONE_KEK</c> (alias <c>SECRET_STORE_KEK</c>) and its slots.</summary>
    public required KekRing Kek { get; init; }

    /// <summary><c>GATEWAY_STS_HMAC_KEY</c> and its slots; null refuses every signed call.</summary>
    public HmacKeyRing? GatewayKeys { get; init; }

    /// <summary><c>STREAMS_HMAC_KEY</c> and its slots; null accepts unsigned messages, which only dev allows.</summary>
    public HmacKeyRing? StreamKeys { get; init; }

    /// <summary><c>AUDIT_HMAC_KEY</c> and its slots: signs events that travel by the stream or go out with a decision; null only in dev.</summary>
    public HmacKeyRing? AuditKeys { get; init; }

    /// <summary><c>STS_ADMIN_TOKEN</c>; null disables rotation by bearer.</summary>
    public TokenRing? AdminToken { get; init; }

    /// <summary><c>METRICS_BEARER</c>.</summary>
    public TokenRing? MetricsToken { get; init; }

    /// <summary><c>OPA_POLL_SECONDS</c>, 1 to 300.</summary>
    public TimeSpan PolicyPoll { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary><c>MAX_GRANT_TTL_SECONDS</c>.</summary>
    public long MaximumGrantSeconds { get; init; } = 3600;

    /// <summary><c>STS_MINT_RATE_LIMIT_PER_MIN</c>, per zone, resource and application.</summary>
    public long MintLimit { get; init; } = 1000;

    /// <summary><c>STS_CLIENT_RATE_LIMIT_PER_MIN</c>, per zone and application.</summary>
    public long ClientLimit { get; init; } = 10_000;

    /// <summary><c>CONTROL_AUDIENCE</c>.</summary>
    public string ControlAudience { get; init; } = "caracal-control";

    /// <summary><c>POLICY_CUSTOM_REGO</c>.</summary>
    public bool CustomRego { get; init; } = true;

    /// <summary><c>STS_CROSS_APPLICATION_CHAINS</c> (B16).</summary>
    public bool CrossApplicationChains { get; init; }

    /// <summary><c>CARACAL_PRIVATE_EGRESS_HOSTS</c>: exact hosts inside private networks that may be called.</summary>
    public IReadOnlyList<string> PrivateEgressHosts { get; init; } = [];

    /// <summary><c>CARACAL_TLS_EXTRA_CA_FILE</c>: a PEM file of authorities that token endpoints and issuers may be vouched for by.</summary>
    public string? ExtraAuthorities { get; init; }

    /// <summary>Reads the settings; every fault is in <paramref name="reader"/>, and nothing may start while there is one.</summary>
    public static StsSettings? Read(SettingsReader reader)
    {
        var mint = reader.Integer("STS_MINT_RATE_LIMIT_PER_MIN", 1000);
        var secrets = reader.Secrets;
        var issuer = reader.Url("ISSUER_URL", null);
        var kek = secrets.KekRing(required: true);
        RequireBuiltinBackend(reader);
        var settings = new StsSettings
        {
            Mode = reader.Mode,
            Listen = ListenSettings.Read(reader, 8080),
            Issuer = issuer ?? "",
            Kek = kek!,
            GatewayKeys = secrets.HmacRing("GATEWAY_STS_HMAC_KEY", required: reader.Published),
            StreamKeys = secrets.HmacRing("STREAMS_HMAC_KEY", required: reader.Published),
            AuditKeys = secrets.HmacRing("AUDIT_HMAC_KEY", required: reader.Published),
            AdminToken = secrets.TokenRing("STS_ADMIN_TOKEN", required: false),
            MetricsToken = secrets.TokenRing("METRICS_BEARER", required: false),
            PolicyPoll = TimeSpan.FromSeconds(reader.Integer("OPA_POLL_SECONDS", 60, 1, 300)),
            MaximumGrantSeconds = reader.Integer("MAX_GRANT_TTL_SECONDS", 3600),
            MintLimit = mint,
            ClientLimit = reader.Integer("STS_CLIENT_RATE_LIMIT_PER_MIN", (int)Math.Min(10L * mint, int.MaxValue)),
            ControlAudience = reader.Text("CONTROL_AUDIENCE", "caracal-control"),
            CustomRego = reader.Boolean("POLICY_CUSTOM_REGO", true),
            CrossApplicationChains = reader.Boolean("STS_CROSS_APPLICATION_CHAINS", false),
            ExtraAuthorities = reader.Text("CARACAL_TLS_EXTRA_CA_FILE", ""),
            PrivateEgressHosts = reader.List("CARACAL_PRIVATE_EGRESS_HOSTS"),
        };
        return reader.Faults.Count == 0 ? settings : null;
    }

    // One backend is built in; naming another must stop the start, not fall back.
    private static void RequireBuiltinBackend(SettingsReader reader)
    {
        if (reader.Text("CARACAL_SECRET_BACKEND", "builtin") != "builtin")
        {
            reader.Fault("CARACAL_SECRET_BACKEND must be builtin in this version");
        }
    }
}
