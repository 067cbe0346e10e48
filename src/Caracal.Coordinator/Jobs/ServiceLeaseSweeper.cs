using Caracal.Authority.Sessions;
using Caracal.Coordinator.Sessions;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Jobs;

/// <summary>Suspends services whose holder stopped beating, with their subtrees (coordinator.md 13).</summary>
internal sealed class ServiceLeaseSweeper(
    CoordinatorSettings settings, Database database, DatabaseClock clock, SessionStore sessions, SessionPausing pausing, CoordinatorMetrics metrics)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var lapsed = await database.ReadAsync(c => sessions.LapsedServicesAsync(c, clock.Now, settings.SweeperBatchSize), cancellationToken);
        foreach (var service in lapsed)
        {
            await database.WriteAsync(work => SuspendAsync(work, service), cancellationToken);
        }

        metrics.LeaseSweeps.Add();
    }

    private async Task SuspendAsync(Work work, Session seen)
    {
        await ZoneLocks.SessionsAsync(work, seen.ZoneId);
        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        if (await sessions.FindAsync(work.Connection, seen.ZoneId, seen.Id) is not { Status: SessionStatus.Active } session
            || SessionRules.IsWithinItsTime(session, now))
        {
            return; // It beat, ended, or was suspended in between.
        }

        var paused = await pausing.SuspendAsync(work, seen.ZoneId, seen.Id, EndReason.ServiceHeartbeatLost, now);
        work.OnCommitted(() => metrics.LeasesLost.Add(paused.Count));
    }
}
