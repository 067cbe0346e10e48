using Microsoft.AspNetCore.Http;

namespace Caracal.Hosting.Metrics;

/// <summary>
/// Whether anybody collects a role's metrics (operations.md 5.2, H-MON-1). What Caracal reads itself does not count: a
/// check that looks must not make itself believe that somebody does.
/// </summary>
public sealed class ScrapeFigures
{
    /// <summary>User agent of Caracal's own looks.</summary>
    public const string OwnLook = "caracal-look";

    private readonly Counter _scrapes;
    private readonly TimeProvider _time;
    private long _last;

    /// <param name="registry">The role's.</param>
    /// <param name="time">The clock of the last scrape.</param>
    public ScrapeFigures(MetricsRegistry registry, TimeProvider time)
    {
        _time = time;
        _scrapes = registry.Counter("caracal_metrics_scrapes_total");
        registry.Gauge("caracal_metrics_last_scrape_unix", () => Volatile.Read(ref _last));
    }

    /// <summary>Counts an answer that somebody else than Caracal got.</summary>
    public void Count(HttpContext context)
    {
        if (context.Response.StatusCode != StatusCodes.Status200OK || context.Request.Headers.UserAgent == OwnLook) return;
        _scrapes.Add();
        Volatile.Write(ref _last, _time.GetUtcNow().ToUnixTimeSeconds());
    }
}
