using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Outbox;

/// <summary>The operator's side of <c>caracal_outbox</c>: what is dead, what is old, what runs again (coordinator.md 12, 13).</summary>
public sealed class CoordinatorOutboxCare
{
    /// <summary>Rows by status.</summary>
    public async Task<IReadOnlyList<(string Status, long Count)>> CountByStatusAsync(DbConnection connection) =>
        (await connection.QueryAsync<(string, long)>("SELECT status, count(*) FROM caracal_outbox GROUP BY status")).AsList();

    /// <summary>True when a row was given up on; readiness fails until it is requeued.</summary>
    public Task<bool> HasDeadAsync(DbConnection connection) =>
        connection.ExecuteScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM caracal_outbox WHERE status = 'dead')");

    /// <summary>Puts a dead row of the zone back to work; false when there is none.</summary>
    public async Task<bool> RequeueAsync(Work work, string zoneId, string id, DateTimeOffset now)
    {
        var requeued = await work.Connection.ExecuteAsync(
            $"""
             UPDATE caracal_outbox SET status = 'pending', attempts = 0, available_at = @now, updated_at = @now
             WHERE id = @id AND status = 'dead' AND {work.Dialect.JsonText("payload_json", "zone_id")} = @zoneId
             """,
            new { id, zoneId, now });
        work.Notify(CoordinatorOutbox.Channel, id);
        return requeued == 1;
    }

    /// <summary>Deletes published rows past retention.</summary>
    public Task<int> DeletePublishedAsync(Work work, DateTimeOffset before, int limit) =>
        work.Connection.ExecuteAsync(
            """
            DELETE FROM caracal_outbox WHERE id IN (
                SELECT id FROM caracal_outbox WHERE status = 'published' AND published_at < @before ORDER BY id LIMIT @limit)
            """,
            new { before, limit });
}
