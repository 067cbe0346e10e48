using Caracal.Authority.Sessions;
using Caracal.Coordinator.Sessions;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Jobs;

/// <summary>Ends tasks whose TTL has passed, with their subtrees (coordinator.md 13). Two sweepers at once end nothing twice: each looks again under the zone's locks.</summary>
internal sealed class TtlSweeper(
    CoordinatorSettings settings, Database database, DatabaseClock clock, SessionStore sessions, SessionEnding ending, CoordinatorMetrics metrics)
{
    // Small transactions, so that a large sweep does not hold up the calls of the zone.
    private const int Chunk = 50;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var due = await database.ReadAsync(c => sessions.ExpiredTasksAsync(c, clock.Now, settings.SweeperBatchSize), cancellationToken);
        foreach (var zone in due.GroupBy(session => session.ZoneId, session => session.Id, StringComparer.Ordinal))
        {
            foreach (var ids in zone.Chunk(Chunk))
            {
                await database.WriteAsync(work => EndAsync(work, zone.Key, ids), cancellationToken);
            }
        }

        metrics.TtlSweeps.Add();
    }

    private async Task EndAsync(Work work, string zoneId, IReadOnlyList<string> ids)
    {
        await ZoneLocks.BothAsync(work, zoneId);
        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        var expired = new List<string>(ids.Count);
        foreach (var id in ids)
        {
            if (await sessions.FindAsync(work.Connection, zoneId, id) is { } session
                && SessionStatus.IsOpen(session.Status) && !SessionRules.IsWithinItsTime(session, now))
            {
                expired.Add(id);
            }
        }

        var ended = await ending.EndAsync(work, zoneId, expired, SessionStatus.Expired, EndReason.Ttl, now);
        work.OnCommitted(() => metrics.TtlExpired.Add(ended.Sessions.Count));
    }
}
