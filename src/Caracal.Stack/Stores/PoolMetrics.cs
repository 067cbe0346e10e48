using Caracal.Hosting.Metrics;
using Caracal.Storage.Postgres;

namespace Caracal.Stack.Stores;

/// <summary>The figures of a service's PostgreSQL pools as series (operations.md 6.3).</summary>
internal static class PoolMetrics
{
    public static void Register(MetricsRegistry metrics, string service, PoolFigures pool)
    {
        metrics.Gauge($"caracal_db_pool_in_use_ratio{{service=\"{service}\"}}", () => (double)pool.Acquired / pool.Maximum);
        metrics.Gauge("caracal_db_pool_max_conns", () => pool.Maximum);
        metrics.Gauge("caracal_db_pool_acquired_conns", () => pool.Acquired);
        metrics.ObserveCounter("caracal_db_errors_total{class=\"auth\"}", () => pool.AuthErrors);
        metrics.ObserveCounter("caracal_db_errors_total{class=\"connect\"}", () => pool.ConnectErrors);
        metrics.ObserveCounter("caracal_db_errors_total{class=\"timeout\"}", () => pool.Timeouts);
    }
}
