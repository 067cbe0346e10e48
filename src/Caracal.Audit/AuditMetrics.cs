using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;

namespace Caracal.Audit;

/// <summary>Every series of audit.md 13 that this service counts itself.</summary>
public sealed class AuditMetrics
{
    private const string Prefix = "caracal_audit_";

    private readonly Dictionary<KeySlot, Counter> _signatures = [];
    private long _lastSweep;
    private long _lastFullSweep;
    private long _heldPartitions;
    private long _defaultRows;
    private long _exportWatermark;
    private long _exportBacklog;
    private long _exportMilliseconds;

    public AuditMetrics(MetricsRegistry registry)
    {
        Registry = registry;
        Inserts = Total("inserts");
        ParseErrors = Total("parse_errors");
        DeadLetters = Total("dlq");
        Retries = Total("retries");
        HmacFailures = Total("hmac_failures");
        TamperReplays = Total("tamper_replay");
        Checked = Total("tamper_checked");
        Mismatches = Total("tamper_mismatch");
        ChainBreaks = Total("tamper_chain_breaks", "tamper_chain_breaks");
        TamperHmacFailures = Total("tamper_hmac_failures", "tamper_hmac_failures");
        PartitionsCreated = Total("retention_created");
        Checkpoints = Total("checkpoints");
        CheckpointRefusals = Total("checkpoint_refusals");
        CheckpointMismatches = Total("checkpoint_mismatches");
        Cosignatures = Total("cosignatures");
        TimeStamps = Total("time_stamps");
        CosignFailures = Total("cosign_failures");
        FeedEvents = Total("feed_events");
        FeedErrors = Total("feed_errors");
        PartitionsDropped = Total("retention_dropped");
        ReplayInputsDropped = Total("replay_inputs_dropped");
        Gauge("retention_held_partitions", () => Interlocked.Read(ref _heldPartitions));
        Gauge("default_partition_rows", () => Interlocked.Read(ref _defaultRows));
        ExportedEvents = Total("export_events");
        ExportErrors = Total("export_errors");
        Unverifiable = Total("tamper_hmac_unverifiable");
        StreamSignatureFailures = Total("stream_signature_failures");
        foreach (var slot in (ReadOnlySpan<KeySlot>)[KeySlot.Current, KeySlot.Next, KeySlot.Previous, KeySlot.None])
        {
            _signatures[slot] = registry.Counter($"{Prefix}ingest_signature_total{{key=\"{slot.Name()}\"}}");
        }

        Gauge("tamper_last_sweep_unix", () => Interlocked.Read(ref _lastSweep));
        Gauge("tamper_last_full_unix", () => Interlocked.Read(ref _lastFullSweep));
        Gauge("export_watermark_unix", () => Interlocked.Read(ref _exportWatermark));
        Gauge("export_backlog_hours", () => Interlocked.Read(ref _exportBacklog));
        Registry.Gauge(Prefix + "export_duration_seconds", () => Interlocked.Read(ref _exportMilliseconds) / 1000.0);
    }

    public MetricsRegistry Registry { get; }
    public Counter Inserts { get; }
    public Counter ParseErrors { get; }
    public Counter DeadLetters { get; }
    public Counter ReplayInputsDropped { get; }
    public Counter Retries { get; }
    public Counter HmacFailures { get; }
    public Counter TamperReplays { get; }
    public Counter Checked { get; }
    public Counter Mismatches { get; }
    public Counter ChainBreaks { get; }
    public Counter TamperHmacFailures { get; }
    public Counter PartitionsCreated { get; }
    public Counter Checkpoints { get; }
    public Counter CheckpointRefusals { get; }
    public Counter CheckpointMismatches { get; }
    public Counter Cosignatures { get; }
    public Counter TimeStamps { get; }
    public Counter CosignFailures { get; }
    public Counter FeedEvents { get; }
    public Counter FeedErrors { get; }
    public Counter PartitionsDropped { get; }
    public Counter ExportedEvents { get; }
    public Counter ExportErrors { get; }
    public Counter Unverifiable { get; }
    public Counter StreamSignatureFailures { get; }

    /// <summary>Counts which key slot an accepted event was signed with; no key configured counts nowhere.</summary>
    public void CountSignature(KeySlot slot)
    {
        if (_signatures.TryGetValue(slot, out var counter))
        {
            counter.Add();
        }
    }

    /// <summary>Stamps a finished sweep.</summary>
    public void Swept(DateTimeOffset at, bool full)
    {
        Interlocked.Exchange(ref _lastSweep, at.ToUnixTimeSeconds());
        if (full)
        {
            Interlocked.Exchange(ref _lastFullSweep, at.ToUnixTimeSeconds());
        }
    }

    /// <summary>Where the export is: its last complete hour, and how many are due.</summary>
    public void ExportStands(DateTimeOffset? lastHour, long backlog)
    {
        Interlocked.Exchange(ref _exportWatermark, lastHour?.ToUnixTimeSeconds() ?? 0);
        Interlocked.Exchange(ref _exportBacklog, backlog);
    }

    /// <summary>How many rows no month holds.</summary>
    public void DefaultPartitionHolds(long rows) => Interlocked.Exchange(ref _defaultRows, rows);

    /// <summary>How many months only a legal hold or an open finding keeps.</summary>
    public void PartitionsHeld(long months) => Interlocked.Exchange(ref _heldPartitions, months);

    /// <summary>Another replica looks after the months now: what this one saw last is not true for long.</summary>
    public void ForgetRetention()
    {
        PartitionsHeld(0);
        DefaultPartitionHolds(0);
    }

    /// <summary>How long the last run of the export took.</summary>
    public void ExportTook(TimeSpan duration) => Interlocked.Exchange(ref _exportMilliseconds, (long)duration.TotalMilliseconds);

    /// <summary>A gauge whose value another part knows.</summary>
    public void Gauge(string name, Func<double> read, string? jsonName = null) =>
        Registry.Gauge(Prefix + name, read, jsonName ?? name);

    /// <summary>A counter whose value another part knows.</summary>
    public void ObserveCounter(string name, Func<double> read, string jsonName) => Registry.ObserveCounter(Prefix + name, read, jsonName);

    private Counter Total(string name, string? jsonName = null) =>
        Registry.Counter($"{Prefix}{name}_total", jsonName ?? name + "_total");
}
