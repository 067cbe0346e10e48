using Caracal.Authority.Invocations;
using Caracal.Coordinator.Invocations;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Invocations;

namespace Caracal.Coordinator.Jobs;

/// <summary>Ends attempts past their deadline and invocations that nobody started (coordinator.md 13, 19.10).</summary>
internal sealed class DeadlineEnforcer(
    CoordinatorSettings settings, Database database, DatabaseClock clock, InvocationStore invocations, InvocationMessages messages,
    CoordinatorMetrics metrics)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await database.WriteAsync(EndAsync, cancellationToken);
        metrics.DeadlineSweeps.Add();
    }

    private async Task EndAsync(Work work)
    {
        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        var ended = 0;
        foreach (var invocation in await invocations.OverdueAsync(work, now, settings.SweeperBatchSize))
        {
            if (InvocationRules.Overdue(invocation, now) is { Next: { } next } step && await invocations.UpdateAsync(work, invocation, next))
            {
                await messages.AnnounceAsync(work, next, step.Event, now);
                ended++;
            }
        }

        work.OnCommitted(() => metrics.DeadlinesPassed.Add(ended));
    }
}
