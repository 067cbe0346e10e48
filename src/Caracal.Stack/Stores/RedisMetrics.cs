using Caracal.Hosting.Metrics;
using Caracal.Streams.Redis;

namespace Caracal.Stack.Stores;

/// <summary>The figures of a Redis connection as series (operations.md 6.3).</summary>
internal static class RedisMetrics
{
    public static void Register(MetricsRegistry metrics, RedisFigures figures)
    {
        metrics.ObserveCounter("caracal_redis_connections_total", () => figures.Connections);
        metrics.Gauge("caracal_redis_connections_open", () => figures.Open);
        metrics.ObserveCounter("caracal_redis_errors_total{class=\"auth\"}", () => figures.AuthErrors);
        metrics.ObserveCounter("caracal_redis_errors_total{class=\"connect\"}", () => figures.ConnectErrors);
        metrics.ObserveCounter("caracal_redis_errors_total{class=\"timeout\"}", () => figures.Timeouts);
    }
}
