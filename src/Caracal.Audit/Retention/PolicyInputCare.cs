using Caracal.Storage;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Retention;

/// <summary>Removes what is kept for replays when its time is over, every hour; the chain verifies without it.</summary>
/// <param name="inputs">What is kept.</param>
/// <param name="retention">What operators set for the ledger: nothing is kept longer than the row it belongs to.</param>
/// <param name="settings">How long.</param>
/// <param name="metrics">Counts.</param>
/// <param name="clock">Database time.</param>
internal sealed class PolicyInputCare(PolicyInputStore inputs, LedgerRetention retention, AuditSettings settings, AuditMetrics metrics, DatabaseClock clock)
{
    public static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var ledger = Math.Min(settings.RetentionDays, await retention.DaysAsync(cancellationToken) ?? long.MaxValue);
        metrics.ReplayInputsDropped.Add(await inputs.DropAsync(clock.Now.AddDays(-Math.Min(settings.ReplayInputDays, ledger)), cancellationToken));
    }
}
