using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.Platform;

namespace Caracal.ControlPlane.Operations;

/// <summary>The outbox in numbers, read anew for every scrape (api.md 14).</summary>
internal sealed class OutboxGauges
{
    private OutboxFigures _figures = new();
    private DateTimeOffset _now;

    public OutboxGauges(MetricsRegistry registry)
    {
        registry.Gauge("caracal_api_outbox_pending_total", () => _figures.Pending);
        registry.Gauge("caracal_api_outbox_dead_total", () => _figures.Dead);
        registry.Gauge("caracal_api_outbox_oldest_pending_age_seconds", () => Age(_figures.OldestPending));
        registry.Gauge("caracal_api_outbox_oldest_dead_age_seconds", () => Age(_figures.OldestDead));
    }

    public async Task RefreshAsync(Database database, DatabaseClock clock, CancellationToken cancellationToken)
    {
        _figures = await database.ReadAsync(connection => OutboxFigures.ReadAsync(connection, database.Dialect), cancellationToken);
        _now = clock.Now;
    }

    private double Age(DateTimeOffset? oldest) => oldest is { } time ? Math.Max(0, (_now - time).TotalSeconds) : 0;
}
