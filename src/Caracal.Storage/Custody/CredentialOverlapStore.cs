using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Custody;

/// <summary>A secret that still works beside its successor (operations.md 4.6.9).</summary>
public sealed record CredentialOverlap
{
    public string Id { get; init; } = "";
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? LastUsedAt { get; init; }
}

/// <summary>Table <c>credential_secrets</c>; the owner is <c>application:&lt;id&gt;</c> or <c>workload:&lt;id&gt;</c>.</summary>
public static class CredentialOverlapStore
{
    /// <summary>Ends every overlap of the owner.</summary>
    public static Task<int> RetireAllAsync(Work work, string zoneId, string owner) =>
        work.Connection.ExecuteAsync(
            "UPDATE credential_secrets SET state = 'retired' WHERE zone_id = @zoneId AND owner = @owner AND state = 'previous'",
            new { zoneId, owner });

    public static Task AddAsync(Work work, string id, string zoneId, string owner, string hash, DateTimeOffset expiresAt, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO credential_secrets (id, zone_id, owner, hash, state, expires_at, created_at)
            VALUES (@id, @zoneId, @owner, @hash, 'previous', @expiresAt, @now)
            """,
            new { id, zoneId, owner, hash, expiresAt, now });

    /// <summary>Overlaps that have not ended yet.</summary>
    public static async Task<IReadOnlyList<CredentialOverlap>> ListLiveAsync(
        DbConnection connection, string zoneId, string owner, DateTimeOffset now) =>
        (await connection.QueryAsync<CredentialOverlap>(
            """
            SELECT id, expires_at, last_used_at FROM credential_secrets
            WHERE zone_id = @zoneId AND owner = @owner AND state = 'previous' AND (expires_at IS NULL OR expires_at > @now)
            """,
            new { zoneId, owner, now })).AsList();
}
