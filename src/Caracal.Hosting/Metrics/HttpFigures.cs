using System.Collections.Concurrent;
using System.Globalization;

namespace Caracal.Hosting.Metrics;

/// <summary>Requests by route and status, and how long they took (operations.md 6.3). Probes and scrapes are not counted.</summary>
/// <param name="registry">The role's.</param>
public sealed class HttpFigures(MetricsRegistry registry)
{
    private const string NoRoute = "none";
    private static readonly double[] Seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private readonly ConcurrentDictionary<(string Route, int Status), Counter> _requests = new();
    private readonly Histogram _durations = registry.Histogram("caracal_http_request_duration_seconds", Seconds);

    /// <param name="route">Its template, of which there are few; null where none was taken.</param>
    /// <param name="status">What was answered.</param>
    /// <param name="took">From the request's head to the end of the answer.</param>
    public void Count(string? route, int status, TimeSpan took)
    {
        _requests.GetOrAdd((route ?? NoRoute, status), static (key, registry) => Register(key, registry), registry).Add();
        _durations.Observe(took);
    }

    private static Counter Register((string Route, int Status) key, MetricsRegistry registry) =>
        registry.CounterOnce($"caracal_http_requests_total{{route=\"{key.Route}\",status=\"{key.Status.ToString(CultureInfo.InvariantCulture)}\"}}");
}
