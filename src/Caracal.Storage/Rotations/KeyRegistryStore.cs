using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Rotations;

/// <summary>Every key there was, by its secret id (operations.md 4.4).</summary>
public static class KeyRegistryStore
{
    private const string Columns = "class, scope, sid, key_id, state, first_seen_at, activated_at, retired_at, rotation_id";

    public static async Task<IReadOnlyList<RegisteredKey>> ListAsync(DbConnection connection) =>
        (await connection.QueryAsync<RegisteredKey>($"SELECT {Columns} FROM key_registry ORDER BY class, scope, first_seen_at")).AsList();

    public static Task<RegisteredKey?> FindActiveAsync(DbConnection connection, string classId, string scope) =>
        connection.QueryFirstOrDefaultAsync<RegisteredKey>(
            $"SELECT {Columns} FROM key_registry WHERE class = @classId AND scope = @scope AND state = 'active' ORDER BY activated_at DESC",
            new { classId, scope });

    /// <summary>Whether the id is known in any class and state: such a value never comes back.</summary>
    public static async Task<bool> IsKnownAsync(DbConnection connection, string sid) =>
        await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM key_registry WHERE sid = @sid", new { sid }) > 0;

    public static Task AddAsync(Work work, string classId, string scope, string sid, string state, string? rotationId, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO key_registry (class, scope, sid, state, first_seen_at, activated_at, rotation_id)
            VALUES (@classId, @scope, @sid, @state, @now, @activated, @rotationId)
            """,
            new { classId, scope, sid, state, now, rotationId, activated = state == "active" ? now : (DateTimeOffset?)null });

    /// <summary>Active again after a rollback: the key is as old as it was.</summary>
    public static Task ReinstateAsync(Work work, string classId, string scope, string sid) => work.Connection.ExecuteAsync(
        "UPDATE key_registry SET state = 'active', retired_at = NULL WHERE class = @classId AND scope = @scope AND sid = @sid", new { classId, scope, sid });

    public static Task MoveAsync(Work work, string classId, string scope, string sid, string state, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE key_registry SET state = @state, activated_at = coalesce(@activated, activated_at), retired_at = @retired
            WHERE class = @classId AND scope = @scope AND sid = @sid
            """,
            new
            {
                classId,
                scope,
                sid,
                state,
                activated = state == "active" ? now : (DateTimeOffset?)null,
                retired = state is "retired" or "compromised" ? now : (DateTimeOffset?)null,
            });
}
