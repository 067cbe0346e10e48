using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;

namespace Caracal.Coordinator;

/// <summary>The Coordinator's series (coordinator.md 15, 19.14).</summary>
internal sealed class CoordinatorMetrics
{
    private readonly JsonLineLogging? _lines;

    /// <param name="lines">What counts log lines; null counts none.</param>
    public CoordinatorMetrics(JsonLineLogging? lines)
    {
        _lines = lines;
        IdempotencyCreated = Outcome("created");
        IdempotencyReplayed = Outcome("replayed");
        IdempotencyConflicts = Outcome("conflicts");
        IdempotencyInvalid = Outcome("invalid");
        IdempotencyExpired = Outcome("expired");
        TtlSweeps = Registry.Counter("caracal_ttl_sweeper_runs_total");
        TtlExpired = Registry.Counter("caracal_ttl_sweeper_sessions_ended_total");
        LeaseSweeps = Registry.Counter("caracal_service_lease_sweeper_runs_total");
        LeasesLost = Registry.Counter("caracal_service_lease_sweeper_sessions_suspended_total");
        DeadlineSweeps = Registry.Counter("caracal_invocation_deadline_runs_total");
        DeadlinesPassed = Registry.Counter("caracal_invocation_deadlines_passed_total");
        SweepsLeft = Registry.Counter("caracal_coordinator_sweeps_left_total");
        RetentionRuns = Registry.Counter("caracal_retention_cleaner_runs_total");
        SessionsDeleted = Registry.Counter("caracal_retention_sessions_deleted_total");
        LifecycleRelayed = Registry.Counter("caracal_lifecycle_relay_total{result=\"relayed\"}");
        JobFailures = Registry.Counter("caracal_coordinator_job_failures_total");
        LogFigures.Show(Registry, lines);
    }

    public MetricsRegistry Registry { get; } = new();

    /// <summary>Log lines written.</summary>
    public long LogLines => _lines?.Emitted ?? 0;

    /// <summary>Log lines that the output did not take.</summary>
    public long LogLinesDropped => _lines?.Dropped ?? 0;

    public Counter IdempotencyCreated { get; }
    public Counter IdempotencyReplayed { get; }
    public Counter IdempotencyConflicts { get; }

    /// <summary>Keys that were no keys.</summary>
    public Counter IdempotencyInvalid { get; }

    /// <summary>Keys whose result had ended.</summary>
    public Counter IdempotencyExpired { get; }
    public Counter TtlSweeps { get; }
    public Counter TtlExpired { get; }
    public Counter LeaseSweeps { get; }
    public Counter LeasesLost { get; }
    public Counter DeadlineSweeps { get; }
    public Counter DeadlinesPassed { get; }

    /// <summary>Sweeps skipped because another replica was at it.</summary>
    public Counter SweepsLeft { get; }
    public Counter RetentionRuns { get; }
    public Counter SessionsDeleted { get; }
    public Counter LifecycleRelayed { get; }
    public Counter JobFailures { get; }

    private Counter Outcome(string outcome) => Registry.Counter($"caracal_idempotency_requests_total{{outcome=\"{outcome}\"}}");
}
