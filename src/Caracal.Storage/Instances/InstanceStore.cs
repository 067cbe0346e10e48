using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Instances;

/// <summary>One row of <c>service_instances</c>.</summary>
public sealed record InstanceRow
{
    public string Service { get; init; } = "";
    public string Instance { get; init; } = "";
    public string Version { get; init; } = "";
    public string Mode { get; init; } = "";
    public string? Address { get; init; }
    public DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset LastSeen { get; init; }
    public DateTimeOffset? StoppedAt { get; init; }
    public JsonText KeySlots { get; init; }
}

/// <summary>Reads who lives and what it holds; the API's side of <see cref="HeartbeatStore"/>.</summary>
public static class InstanceStore
{
    public static async Task<IReadOnlyList<InstanceRow>> ListAsync(DbConnection connection) =>
        (await connection.QueryAsync<InstanceRow>(
            """
            SELECT service, instance, version, mode, address, started_at, last_seen, stopped_at, key_slots
            FROM service_instances ORDER BY service, instance
            """)).AsList();

    /// <summary>Connections of services to this PostgreSQL database.</summary>
    public static Task<long> CountConnectionsAsync(DbConnection connection) => connection.ExecuteScalarAsync<long>(
        """
        SELECT count(*) FROM pg_stat_get_activity(NULL)
        WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pg_get_userbyid(usesysid) LIKE 'caracal%'
        """);

    /// <summary>Forgets instances that were last seen before <paramref name="before"/>.</summary>
    public static Task ForgetAsync(Work work, DateTimeOffset before) =>
        work.Connection.ExecuteAsync("DELETE FROM service_instances WHERE last_seen < @before", new { before });
}
