using Caracal.Hosting.Logging;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Retention;

/// <summary>Keeps the ledger's months ahead of the clock (operations.md 7.5): at start and every six hours.</summary>
internal sealed class PartitionCare(LedgerPartitions partitions, AuditMetrics metrics, DatabaseClock clock, ILogger logger)
{
    public static readonly TimeSpan Interval = TimeSpan.FromHours(6);

    /// <summary>The first look, when nobody waits for it: what it misses lands in the default partition and is moved later.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(cancellationToken);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            ServiceLog.JobFailed(logger, fault, "ledger-partitions");
        }
    }

    public async Task RunAsync(CancellationToken cancellationToken) =>
        metrics.PartitionsCreated.Add(await partitions.EnsureAheadAsync(clock.Now, cancellationToken));
}
