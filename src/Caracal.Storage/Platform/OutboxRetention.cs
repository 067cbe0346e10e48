using Dapper;

namespace Caracal.Storage.Platform;

/// <summary>Takes announcements out of <c>event_outbox</c> once they are old news (api.md 12.2).</summary>
public static class OutboxRetention
{
    public static Task<int> DeleteDispatchedAsync(Work work, DateTimeOffset before, int limit) =>
        work.Connection.ExecuteAsync(
            """
            DELETE FROM event_outbox WHERE id IN (
                SELECT id FROM event_outbox WHERE dispatched_at < @before ORDER BY dispatched_at LIMIT @limit)
            """,
            new { before, limit });
}
