using Caracal.Coordinator.Delegations;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Delegations;
using Caracal.Storage.Idempotency;
using Caracal.Storage.Invocations;
using Caracal.Storage.Outbox;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Jobs;

/// <summary>Marks overdue edges as expired and announces their end, then deletes what is past retention (coordinator.md 13).</summary>
internal sealed class RetentionCleaner(
    CoordinatorSettings settings, Database database, DatabaseClock clock, SessionStore sessions, DelegationStore delegations,
    GraphEpochStore epochs, InvocationStore invocations, ReceiptStore receipts, CoordinatorOutboxCare outbox, DelegationMessages messages, CoordinatorMetrics metrics)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var zoneId in await database.ReadAsync(c => delegations.ZonesWithDueAsync(c, clock.Now), cancellationToken))
        {
            await database.WriteAsync(work => ExpireAsync(work, zoneId), cancellationToken);
        }

        var now = clock.Now;
        var batch = settings.RetentionBatchSize;
        await database.WriteAsync(work => delegations.DeleteEndedAsync(work, now - settings.DelegationRetention, batch), cancellationToken);
        await database.WriteAsync(work => invocations.DeleteEndedAsync(work, now - settings.SessionRetention, batch), cancellationToken);
        var deleted = await database.WriteAsync(work => sessions.DeleteEndedAsync(work, now - settings.SessionRetention, batch), cancellationToken);
        await database.WriteAsync(work => outbox.DeletePublishedAsync(work, now - settings.OutboxRetention, batch), cancellationToken);
        await database.WriteAsync(work => receipts.DeleteExpiredAsync(work, now, batch), cancellationToken);
        metrics.SessionsDeleted.Add(deleted);
        metrics.RetentionRuns.Add();
    }

    private async Task ExpireAsync(Work work, string zoneId)
    {
        await ZoneLocks.DelegationsAsync(work, zoneId);
        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        var expired = await delegations.ExpireDueAsync(work, zoneId, now, settings.RetentionBatchSize);
        if (expired.Count > 0)
        {
            await messages.ExpiredAsync(work, zoneId, expired, await epochs.BumpAsync(work, zoneId, now), now);
        }
    }
}
