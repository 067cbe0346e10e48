using Dapper;

namespace Caracal.Storage.KeyRegistry;

/// <summary>What a service asks the registry about a key before it starts with it (operations.md 4.4).</summary>
public static class KeyRegistryGuard
{
    /// <summary>The key's state; null when it is not registered. The first key of a class that has none is adopted.</summary>
    public static async Task<string?> StateAsync(Work work, string classId, string sid, string? keyId, DateTimeOffset now)
    {
        var arguments = new { classId, sid, keyId, now };
        if (work.Dialect is PostgresDialect)
        {
            return await work.Connection.ExecuteScalarAsync<string?>("SELECT ops_key_state(@classId, @sid, @keyId, @now)", arguments);
        }

        await work.Connection.ExecuteAsync(
            """
            INSERT INTO key_registry (class, scope, sid, key_id, state, first_seen_at, activated_at)
            SELECT @classId, '', @sid, @keyId, 'active', @now, @now
            WHERE NOT EXISTS (SELECT 1 FROM key_registry WHERE class = @classId AND scope = '')
            """,
            arguments);
        return await work.Connection.ExecuteScalarAsync<string?>(
            "SELECT state FROM key_registry WHERE class = @classId AND scope = '' AND sid = @sid", arguments);
    }
}
