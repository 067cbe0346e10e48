using Caracal.Hosting.Metrics;

namespace Caracal.Hosting.Logging;

/// <summary>What became of the log lines of this process (operations.md 6.3).</summary>
public static class LogFigures
{
    /// <param name="metrics">Where they are shown.</param>
    /// <param name="lines">What writes the lines; null counts none.</param>
    public static void Show(MetricsRegistry metrics, JsonLineLogging? lines)
    {
        metrics.ObserveCounter("caracal_log_emitted_total", () => lines?.Emitted ?? 0);
        metrics.ObserveCounter("caracal_log_dropped_total", () => lines?.Dropped ?? 0);
        metrics.ObserveCounter("caracal_log_sampled_total", () => 0); // every line is written, however many there are
    }
}
