using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Delegations;

/// <summary>Table <c>delegation_graph_epochs</c>: a number per zone that only rises, first 1 (coordinator.md 4).</summary>
public sealed class GraphEpochStore
{
    /// <summary>Makes sure the zone has an epoch and returns it, unchanged: a new edge takes nothing away from anyone (coordinator.md 19.4).</summary>
    public async Task<long> EnsureAsync(Work work, string zoneId, DateTimeOffset now)
    {
        await work.Connection.ExecuteAsync(
            "INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) VALUES (@zoneId, 1, @now) ON CONFLICT (zone_id) DO NOTHING",
            new { zoneId, now });
        return await ReadAsync(work.Connection, zoneId);
    }

    /// <summary>Raises the zone's epoch by one: mandates stamped with an older one are stale from now on.</summary>
    public Task<long> BumpAsync(Work work, string zoneId, DateTimeOffset now) =>
        work.Connection.ExecuteScalarAsync<long>(
            """
            INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) VALUES (@zoneId, 1, @now)
            ON CONFLICT (zone_id) DO UPDATE SET epoch = delegation_graph_epochs.epoch + 1, updated_at = @now
            RETURNING epoch
            """,
            new { zoneId, now });

    /// <summary>The zone's epoch; 0 before the first edge.</summary>
    public async Task<long> ReadAsync(DbConnection connection, string zoneId) =>
        await connection.ExecuteScalarAsync<long?>("SELECT epoch FROM delegation_graph_epochs WHERE zone_id = @zoneId", new { zoneId }) ?? 0;
}
