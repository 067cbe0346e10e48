using Caracal.Authority.Policies;
using Caracal.Evidence.Trail;
using Caracal.Hosting.Metrics;
using Caracal.Sts.Policies;
using Caracal.Sts.PolicyShadows;

namespace Caracal.Sts.Health;

/// <summary>The series of sts.md 14, all prefixed <c>caracal_sts_</c>.</summary>
internal sealed class StsMetrics
{
    private const string Prefix = "caracal_sts_";

    private readonly Counter _traversals;
    private readonly Counter _traversalErrors;
    private readonly Counter _invalidKeys;
    private readonly Counter _secretReads;
    private readonly Counter _secretErrors;
    private readonly Counter _refreshShared;
    private readonly Counter _refreshLeased;
    private readonly Counter _refreshWaited;
    private readonly Counter _refreshErrors;
    private readonly Counter _circuitOpen;
    private readonly Counter _granted;
    private readonly Counter _refused;
    private readonly Counter _dependencyFailures;

    public StsMetrics(MetricsRegistry registry)
    {
        Registry = registry;
        _traversals = Count("graph_traversals");
        _traversalErrors = Count("graph_traversal_errors");
        _invalidKeys = Count("jwks_invalid_keys");
        _secretReads = Count("secret_backend_reads");
        _secretErrors = Count("secret_backend_errors");
        _refreshShared = Count("provider_refresh_shared");
        _refreshLeased = Count("provider_refresh_leased");
        _refreshWaited = Count("provider_refresh_waited");
        _refreshErrors = Count("provider_refresh_errors");
        _circuitOpen = Count("provider_circuit_open");
        _granted = registry.Counter(Prefix + "exchanges_total{outcome=\"granted\"}");
        _refused = registry.Counter(Prefix + "exchanges_total{outcome=\"refused\"}");
        _dependencyFailures = registry.Counter(Prefix + "exchanges_total{outcome=\"unavailable\"}");
    }

    public MetricsRegistry Registry { get; }

    public void GraphTraversed(bool held)
    {
        _traversals.Add();
        if (!held)
        {
            _traversalErrors.Add();
        }
    }

    public void InvalidSigningKey() => _invalidKeys.Add();

    public void SecretRead() => _secretReads.Add();

    public void SecretFailed() => _secretErrors.Add();

    /// <summary>Somebody in this process was already asking.</summary>
    public void RefreshShared() => _refreshShared.Add();

    /// <summary>This replica took the lease.</summary>
    public void RefreshLeased() => _refreshLeased.Add();

    /// <summary>Another replica had the lease.</summary>
    public void RefreshWaited() => _refreshWaited.Add();

    public void RefreshFailed() => _refreshErrors.Add();

    public void CircuitOpen() => _circuitOpen.Add();

    public void Finished(bool granted) => (granted ? _granted : _refused).Add();

    public void DependencyFailed() => _dependencyFailures.Add();

    /// <summary>Adds what the audit trail and the policy engine count themselves.</summary>
    public void Observe(AuditTrail trail, PolicyFigures policy, Func<TimeSpan> oldestPolicy, TimeSpan poll)
    {
        ObserveCounter("audit_dropped", () => trail.Figures.Dropped);
        ObserveCounter("audit_replay_replayed", () => trail.Figures.Shipped);
        ObserveCounter("audit_sink_errors", () => trail.Figures.SinkErrors);
        Gauge("audit_replay_pending", () => trail.Figures.Pending);
        Gauge("audit_replay_files", () => trail.Figures.Files);
        Gauge("audit_replay_bytes", () => trail.Figures.Bytes);
        Gauge("audit_replay_oldest_age_seconds", () => trail.Figures.OldestAge.TotalSeconds);
        Registry.ObserveCounter(Prefix + "allocated_bytes_total", () => GC.GetTotalAllocatedBytes());
        Registry.ObserveCounter(Prefix + "opa_eval_total", () => policy.Evaluations);
        Registry.ObserveCounter(Prefix + "opa_eval_errors_total", () => policy.EvaluationErrors);
        Registry.ObserveCounter(Prefix + "opa_eval_duration_seconds_total", () => policy.EvaluationTime.TotalSeconds);
        Registry.ObserveCounter(Prefix + "opa_compile_total", () => policy.Compilations);
        Registry.ObserveCounter(Prefix + "opa_compile_errors_total", () => policy.CompilationErrors);
        Registry.ObserveCounter(Prefix + "opa_compile_duration_seconds_total", () => policy.CompilationTime.TotalSeconds);
        Registry.Gauge(Prefix + "opa_max_policy_age_seconds", () => oldestPolicy().TotalSeconds);
        Registry.Gauge(Prefix + "opa_poll_interval_seconds", () => poll.TotalSeconds);
    }

    /// <summary>Adds what candidates said otherwise.</summary>
    public void Observe(ShadowFigures shadows)
    {
        foreach (var change in Enum.GetValues<PolicyChange>())
        {
            Registry.ObserveCounter($"{Prefix}policy_shadow_evaluations_total{{change=\"{ShadowFigures.NameOf(change)}\"}}", () => shadows.Of(change));
        }

        Registry.ObserveCounter(Prefix + "policy_shadow_errors_total", () => shadows.Errors);
        Registry.ObserveCounter(Prefix + "policy_shadow_dropped_total", () => shadows.Dropped);
    }

    private Counter Count(string name) => Registry.Counter($"{Prefix}{name}_total", name);

    private void ObserveCounter(string name, Func<double> read) => Registry.ObserveCounter($"{Prefix}{name}_total", read, name);

    private void Gauge(string name, Func<double> read) => Registry.Gauge(Prefix + name, read, name);
}
