using Caracal.Hosting.Metrics;

namespace Caracal.ControlPlane.Custody;

/// <summary>How often sealed secrets were stored or opened, and how often that failed (api.md 14).</summary>
internal sealed class CustodyFigures(MetricsRegistry registry)
{
    public Counter Operations { get; } = registry.Counter("caracal_secret_backend_operations_total");

    public Counter Errors { get; } = registry.Counter("caracal_secret_backend_errors_total");
}
