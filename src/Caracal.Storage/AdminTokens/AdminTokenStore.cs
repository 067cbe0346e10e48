using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.AdminTokens;

/// <summary>A row of <c>admin_tokens</c>.</summary>
public sealed record AdminTokenRow
{
    public string Id { get; init; } = "";
    public string Name { get; init; } = "";
    public string TokenHash { get; init; } = "";
    public long? EntropyBytes { get; init; }
    public string Scope { get; init; } = "";
    public string Capability { get; init; } = "";
    public string? ZoneId { get; init; }
    public string CreatedBy { get; init; } = "";
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? LastUsedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
}

/// <summary>Table <c>admin_tokens</c> (storage.md 4).</summary>
public static class AdminTokenStore
{
    private const string Select =
        """
        SELECT id, name, token_hash, entropy_bytes, scope, capability, zone_id, created_by, created_at, last_used_at, revoked_at
        FROM admin_tokens
        """;

    /// <summary>The unrevoked token with this hash.</summary>
    public static Task<AdminTokenRow?> FindByHashAsync(DbConnection connection, string tokenHash) =>
        connection.QuerySingleOrDefaultAsync<AdminTokenRow>($"{Select} WHERE token_hash = @tokenHash AND revoked_at IS NULL", new { tokenHash });

    public static Task<IReadOnlyList<AdminTokenRow>> ListAsync(DbConnection connection, PageQuery page) =>
        new Filter().PageAsync<AdminTokenRow>(connection, Select, page);

    /// <summary>Whether <c>POST /v1/bootstrap</c> ever worked here; a revoked token counts (api.md 2.5).</summary>
    public static async Task<bool> BootstrappedAsync(DbConnection connection) =>
        await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM admin_tokens WHERE created_by = 'bootstrap'") > 0;

    public static Task InsertAsync(Work work, AdminTokenRow token) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO admin_tokens (id, name, token_hash, entropy_bytes, scope, capability, zone_id, created_by, created_at)
            VALUES (@Id, @Name, @TokenHash, @EntropyBytes, @Scope, @Capability, @ZoneId, @CreatedBy, @CreatedAt)
            """,
            token);

    /// <summary>Inserts the row unless an unrevoked one with the hash exists.</summary>
    public static Task SeedAsync(Work work, AdminTokenRow token) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO admin_tokens (id, name, token_hash, entropy_bytes, scope, capability, zone_id, created_by, created_at)
            VALUES (@Id, @Name, @TokenHash, @EntropyBytes, @Scope, @Capability, @ZoneId, @CreatedBy, @CreatedAt)
            ON CONFLICT (token_hash) WHERE revoked_at IS NULL DO NOTHING
            """,
            token);

    /// <summary>Revokes the rows of one origin whose hash is not among those kept.</summary>
    public static Task<int> RevokeOthersAsync(Work work, string createdBy, List<string> keptHashes, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            $"UPDATE admin_tokens SET revoked_at = @now WHERE created_by = @createdBy AND revoked_at IS NULL AND NOT ({work.Dialect.AnyOf("token_hash", "@keptHashes")})",
            new { createdBy, keptHashes, now });

    public static async Task<bool> RevokeAsync(Work work, string id, DateTimeOffset now) =>
        await work.Connection.ExecuteAsync("UPDATE admin_tokens SET revoked_at = @now WHERE id = @id AND revoked_at IS NULL", new { id, now }) > 0;

    public static Task TouchAsync(Work work, string id, DateTimeOffset now) =>
        work.Connection.ExecuteAsync("UPDATE admin_tokens SET last_used_at = @now WHERE id = @id", new { id, now });
}
