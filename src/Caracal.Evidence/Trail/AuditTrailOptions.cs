namespace Caracal.Evidence.Trail;

/// <summary>How an <see cref="AuditTrail"/> ships.</summary>
public sealed record AuditTrailOptions
{
    /// <summary>Most events handed to the sink at once.</summary>
    public int MaxBatch { get; init; } = 1000;

    /// <summary>How long the shipper lets events gather after the first one.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>First pause after a failed delivery; doubles up to <see cref="MaxBackoff"/>.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the folder is searched for <c>*.ndjson</c> files.</summary>
    public TimeSpan SpoolInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for the sink when the journal refused an event.</summary>
    public TimeSpan DirectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Called for every failed delivery, to be logged.</summary>
    public Action<Exception>? SinkFailed { get; init; }

    /// <summary>Called with the number of events that the sink has taken after failed deliveries, once less than a batch is left to ship.</summary>
    public Action<long>? SinkRecovered { get; init; }

    /// <summary>Called for every lost event, to be logged: stream and disk persistence both failed.</summary>
    public Action<Exception>? EventLost { get; init; }
}

/// <summary>Figures of a trail, for the producer metrics of audit.md 13.</summary>
/// <param name="Pending">Events journaled and not shipped (<c>replay_pending</c>).</param>
/// <param name="Files">Segment files (<c>replay_files</c>).</param>
/// <param name="Bytes">Payload bytes not shipped (<c>replay_bytes</c>).</param>
/// <param name="OldestAge">Age of the oldest event not shipped (<c>replay_oldest_age_seconds</c>).</param>
/// <param name="Dropped">Events lost (<c>dropped_total</c>).</param>
/// <param name="SinkErrors">Failed deliveries (<c>sink_errors_total</c>).</param>
/// <param name="Persisted">Events journaled since start (<c>persisted_total</c>).</param>
/// <param name="Shipped">Events taken by the sink since start (<c>drained_total</c>, <c>replay_replayed_total</c>).</param>
/// <param name="Damaged">Segments kept aside and bad spool lines; alerting.</param>
public readonly record struct AuditTrailFigures(
    long Pending, int Files, long Bytes, TimeSpan OldestAge, long Dropped, long SinkErrors, long Persisted, long Shipped, long Damaged);
