using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Custody;

/// <summary>Sealed documents by reference, table <c>secret_store</c>: the built-in secret backend (storage.md 6).</summary>
public static class CustodyStore
{
    public static Task<byte[]?> FindAsync(DbConnection connection, string zoneId, string reference) =>
        connection.QuerySingleOrDefaultAsync<byte[]>(
            "SELECT envelope FROM secret_store WHERE ref = @reference AND zone_id = @zoneId", new { reference, zoneId });

    public static Task PutAsync(Work work, string zoneId, string reference, byte[] envelope, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO secret_store (ref, zone_id, envelope, version, created_at, updated_at)
            VALUES (@reference, @zoneId, @envelope, 1, @now, @now)
            ON CONFLICT (ref) DO UPDATE SET envelope = excluded.envelope, version = secret_store.version + 1, updated_at = excluded.updated_at
            """,
            new { reference, zoneId, envelope, now });

    /// <summary>Stores unless something is there already.</summary>
    public static Task AddAsync(Work work, string zoneId, string reference, byte[] envelope, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO secret_store (ref, zone_id, envelope, version, created_at, updated_at)
            VALUES (@reference, @zoneId, @envelope, 1, @now, @now) ON CONFLICT (ref) DO NOTHING
            """,
            new { reference, zoneId, envelope, now });

    public static Task DeleteAsync(Work work, string zoneId, string reference) =>
        work.Connection.ExecuteAsync(
            "DELETE FROM secret_store WHERE ref = @reference AND zone_id = @zoneId", new { reference, zoneId });
}
