using Dapper;

namespace Caracal.Storage.Leases;

/// <summary>The lease columns of <c>sessions</c>: single conditional row updates, no zone lock (coordinator.md 19.8).</summary>
public sealed class LeaseStore
{
    /// <summary>A new holder takes the lease; null when the row is no longer an active service.</summary>
    public Task<long?> AcquireAsync(Work work, string zoneId, string id, DateTimeOffset deadline, DateTimeOffset now) =>
        work.Connection.ExecuteScalarAsync<long?>(
            """
            UPDATE sessions SET lease_generation = lease_generation + 1, heartbeat_deadline_at = @deadline,
                last_heartbeat_at = @now, last_active_at = @now, updated_at = @now
            WHERE zone_id = @zoneId AND id = @id AND lifecycle = 'service' AND status = 'active'
            RETURNING lease_generation
            """,
            new { zoneId, id, deadline, now });

    /// <summary>The holder of the generation renews; false when another took it, the lease ran out, or the Session ended.</summary>
    public async Task<bool> RenewAsync(Work work, string zoneId, string id, long generation, DateTimeOffset deadline, DateTimeOffset now) =>
        await work.Connection.ExecuteAsync(
            """
            UPDATE sessions SET heartbeat_deadline_at = @deadline, last_heartbeat_at = @now, last_active_at = @now
            WHERE zone_id = @zoneId AND id = @id AND lifecycle = 'service' AND lease_generation = @generation
              AND (status = 'suspended' OR (status = 'active' AND heartbeat_deadline_at > @now))
            """,
            new { zoneId, id, generation, deadline, now }) == 1;
}
