using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Retention;

/// <summary>Keeps the ledger's months ahead of the clock and removes those retention no longer keeps (audit.md 7): the one that leads, at once and every six hours.</summary>
/// <param name="partitions">Months to come.</param>
/// <param name="retention">Months that go.</param>
/// <param name="settings">The ceiling, and whether there is an export that must have everything first.</param>
/// <param name="metrics">Counts.</param>
/// <param name="clock">Database time.</param>
/// <param name="logger">What is held and what is gone.</param>
internal sealed class PartitionCare(
    LedgerPartitions partitions, LedgerRetention retention, AuditSettings settings, AuditMetrics metrics, DatabaseClock clock, ILogger logger)
{
    public static readonly TimeSpan Interval = TimeSpan.FromHours(6);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        metrics.PartitionsCreated.Add(await partitions.EnsureAheadAsync(clock.Now, cancellationToken));
        var days = Math.Min(settings.RetentionDays, await retention.DaysAsync(cancellationToken) ?? long.MaxValue);
        var held = 0;
        foreach (var month in await retention.MonthsAsync(clock.Now.AddDays(-days), cancellationToken))
        {
            var outcome = await retention.DropAsync(month, settings.Export.IsOn ? ExportStore.Hourly : null, clock.Now, cancellationToken);
            if (outcome == MonthOutcome.Dropped) metrics.PartitionsDropped.Add();
            if (outcome is MonthOutcome.Held or MonthOutcome.Disputed) held++;
            if (outcome != MonthOutcome.Busy) AuditLog.RetentionDecided(logger, outcome == MonthOutcome.Held ? "retention_held" : outcome.ToString(), month.UtcDateTime);
        }

        metrics.PartitionsHeld(held);
        metrics.DefaultPartitionHolds(await partitions.DefaultRowsAsync(clock.Now, cancellationToken));
    }
}
