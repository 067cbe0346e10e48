using Caracal.Storage;
using Caracal.Storage.Revocations;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Revocations;

/// <summary>The durable baseline (gateway.md A7): read at start, every 30 s, and on demand.</summary>
internal sealed class RevocationSnapshot(
    RevocationSnapshotStore store, RevocationState state, DatabaseClock clock, GatewayMetrics metrics, ILogger log)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>Reads and applies; a failure keeps what is known, is counted, and is thrown.</summary>
    public async Task ReloadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var started = state.Moment();
            state.Apply(await store.ReadAsync(clock.Now, cancellationToken), started);
            metrics.Count(GatewayCounter.RevocationReloads);
        }
        catch (Exception fault)
        {
            metrics.Count(GatewayCounter.RevocationReloadErrors);
            GatewayLog.SnapshotFailed(log, fault, Age());
            throw;
        }
    }

    private long Age() => state.SnapshotAge == TimeSpan.MaxValue ? -1 : (long)state.SnapshotAge.TotalSeconds;
}
