using Caracal.Storage.Outbox;
using Dapper;

namespace Caracal.Storage.Platform;

/// <summary>Messages of <c>event_outbox</c> that were given up; the API, whose table it is, may try them again (api.md 12.2).</summary>
public static class DeadOutbox
{
    /// <summary>Gives a parked message another round of attempts; false when there is no such parked message.</summary>
    public static async Task<bool> RequeueAsync(Work work, string id, DateTimeOffset now)
    {
        var requeued = await work.Connection.ExecuteAsync(
            $"""
             UPDATE event_outbox SET available_at = @now, attempts = 0, locked_until = NULL, locked_by = NULL
             WHERE id = @id AND dispatched_at IS NULL AND available_at = {work.Dialect.Infinity}
             """,
            new { id, now }) > 0;
        if (requeued) work.Notify(EventOutbox.Channel, id);
        return requeued;
    }
}
