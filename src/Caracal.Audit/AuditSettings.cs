using Caracal.Audit.Checkpoints;
using Caracal.Audit.Export;
using Caracal.Audit.Feeds;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Audit;

/// <summary>Every setting of the Audit service (audit.md 15).</summary>
public sealed record AuditSettings
{
    public const string Role = "audit";
    public const int DefaultPort = 9090;

    public required CaracalMode Mode { get; init; }
    public required ListenSettings Listen { get; init; }

    /// <summary><c>AUDIT_HMAC_KEY</c> with its slots; null only in dev.</summary>
    public HmacKeyRing? AuditKeys { get; init; }

    /// <summary><c>STREAMS_HMAC_KEY</c>: signs dead letters; null only in dev.</summary>
    public HmacKeyRing? StreamKeys { get; init; }

    /// <summary><c>AUDIT_ADMIN_TOKEN</c>; unset hides the operator routes.</summary>
    public TokenRing? AdminToken { get; init; }

    /// <summary><c>METRICS_BEARER</c>.</summary>
    public TokenRing? MetricsToken { get; init; }

    public int MaximumEventBytes { get; init; } = 1_048_576;
    public int MaximumDeliveries { get; init; } = 8;
    public TimeSpan ClaimIdle { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan RollingWindow { get; init; } = TimeSpan.FromHours(4);

    /// <summary><c>AUDIT_RETENTION_DAYS</c>: a month goes when it ended as long ago; operators may set less, never more.</summary>
    public int RetentionDays { get; init; } = 365;

    /// <summary><c>AUDIT_REPLAY_INPUT_DAYS</c>: how long a decision can be replayed, never longer than the ledger keeps it; 0 keeps nothing for replays.</summary>
    public int ReplayInputDays { get; init; } = 30;

    /// <summary><c>AUDIT_SWEEP_ROWS_PER_SECOND</c>: what a full sweep may read; 0 is as fast as it can.</summary>
    public int SweepRowsPerSecond { get; init; } = 20_000;

    /// <summary>0 switches the check of <c>/ready</c> off.</summary>
    public long ReadyDeadLetterLimit { get; init; }

    /// <summary>0 switches the check of <c>/ready</c> off.</summary>
    public long ReadyLagLimit { get; init; }

    /// <summary>0 switches the check of <c>/ready</c> off.</summary>
    public TimeSpan ReadyOldestPendingLimit { get; init; }

    /// <summary>Signed checkpoints of the zones' trees.</summary>
    public CheckpointSettings Checkpoints { get; init; } = new();

    /// <summary>Who is told of events as they come.</summary>
    public FeedSettings Feeds { get; init; } = new();

    /// <summary>The hourly Parquet export.</summary>
    public ExportSettings Export { get; init; } = new();

    /// <summary><c>HOSTNAME</c>: the consumer's name in its group.</summary>
    public string ConsumerName { get; init; } = "audit-worker-0";

    /// <summary>Reads every variable; the reader collects what is wrong.</summary>
    public static AuditSettings Read(SettingsReader reader) => new()
    {
        Mode = reader.Mode,
        Listen = ListenSettings.Read(reader, DefaultPort),
        AuditKeys = reader.Secrets.HmacRing(SecretFiles.AuditHmacKey, reader.Published),
        StreamKeys = reader.Secrets.HmacRing(SecretFiles.StreamsHmacKey, reader.Published),
        AdminToken = reader.Secrets.TokenRing(SecretFiles.AuditAdminToken, required: false),
        MetricsToken = reader.Secrets.TokenRing(SecretFiles.MetricsBearer, required: false),
        MaximumEventBytes = reader.Integer("AUDIT_MAX_EVENT_BYTES", 1_048_576),
        MaximumDeliveries = reader.Integer("AUDIT_MAX_DELIVERIES", 8),
        ClaimIdle = TimeSpan.FromSeconds(reader.Integer("AUDIT_CLAIM_IDLE_SECS", 30)),
        RollingWindow = TimeSpan.FromHours(reader.Integer("AUDIT_TAMPER_ROLLING_HOURS", 4)),
        RetentionDays = reader.Integer("AUDIT_RETENTION_DAYS", 365),
        ReplayInputDays = reader.Integer("AUDIT_REPLAY_INPUT_DAYS", 30, minimum: 0),
        SweepRowsPerSecond = reader.Integer("AUDIT_SWEEP_ROWS_PER_SECOND", 20_000, minimum: 0),
        ReadyDeadLetterLimit = reader.Integer("AUDIT_READY_DLQ_MAX", 0, minimum: 0),
        ReadyLagLimit = reader.Integer("AUDIT_READY_LAG_MAX", 0, minimum: 0),
        ReadyOldestPendingLimit = TimeSpan.FromSeconds(reader.Integer("AUDIT_READY_PEL_OLDEST_SECS_MAX", 0, minimum: 0)),
        Checkpoints = CheckpointSettings.Read(reader),
        Export = ExportSettings.Read(reader),
        Feeds = FeedSettings.Read(reader),
        ConsumerName = reader.Text("HOSTNAME", "audit-worker-0"),
    };
}
