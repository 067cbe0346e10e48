using Caracal.Evidence.Trail;
using Caracal.Gateway.Exchange;
using Caracal.Gateway.Revocations;
using Caracal.Gateway.WebSockets;
using Caracal.Hosting.Metrics;
using Caracal.Streams.Consumers;

namespace Caracal.Gateway;

/// <summary>The series of gateway.md A11 whose values live with their owners and are read when asked for.</summary>
internal static class GatewayGauges
{
    private const string Prefix = "caracal_gateway_";

    // v1.0's queue capacity; the journal that replaced the queue is bounded by the disk.
    private const double QueueCapacity = 10_000;

    public static void Register(
        MetricsRegistry metrics, RevocationState revocations, StreamConsumerFigures stream, StsCircuit circuit, AuditTrail trail, RelaySocket sockets)
    {
        void Gauge(string key, Func<double> read, string? alias = null) => metrics.Gauge(Prefix + key, read, key, alias);
        void Counter(string key, Func<double> read) => metrics.ObserveCounter(Prefix + key + "_total", read, key);

        Gauge("websockets_open", () => sockets.Open);
        Gauge("sts_circuit_open", () => circuit.IsOpen ? 1 : 0);
        Gauge("revocations_active", () => revocations.Count, "revocations_active");
        Gauge("revocation_snapshot_age_seconds", () => Seconds(revocations.SnapshotAge));
        Gauge("revocation_snapshot_fresh", () => revocations.IsFresh ? 1 : 0);
        Counter("revocation_pending_replayed", () => stream.Replayed);
        Counter("revocation_dead_letters", () => stream.DeadLetters);
        Counter("revocation_invalid_signatures", () => stream.InvalidSignatures);
        Counter("audit_dropped", () => trail.Figures.Dropped);
        Counter("audit_sink_errors", () => trail.Figures.SinkErrors);
        Counter("audit_persisted", () => trail.Figures.Persisted);
        Counter("audit_drained", () => trail.Figures.Shipped);
        Gauge("audit_replay_files", () => trail.Figures.Files);
        Gauge("audit_replay_bytes", () => trail.Figures.Bytes);
        Gauge("audit_replay_oldest_age_seconds", () => trail.Figures.OldestAge.TotalSeconds);
        Gauge("audit_queue_depth", () => trail.Figures.Pending);
        metrics.Gauge(Prefix + "audit_queue_capacity", () => QueueCapacity, "audit_queue_cap");
    }

    private static double Seconds(TimeSpan age) => age == TimeSpan.MaxValue ? long.MaxValue / 2 : (long)age.TotalSeconds;
}
