using Dapper;

namespace Caracal.Storage.ProviderConnections;

/// <summary>A user's (or the shared) connection to an upstream, with its sealed tokens.</summary>
public sealed class ProviderConnection
{
    public string Id { get; set; } = "";
    public string ZoneId { get; set; } = "";
    public string SubjectId { get; set; } = "";
    public string ProviderId { get; set; } = "";
    public string Status { get; set; } = "";
    public byte[]? AccessTokenCt { get; set; }
    public byte[]? RefreshTokenCt { get; set; }
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>Raised by every new pair of tokens; who writes must have read the last one.</summary>
    public long RefreshTokenVersion { get; set; }

    public bool IsActive => Status == "active";
}

/// <summary>Table <c>provider_connections</c> as the STS uses it (sts.md 9.3): it reads rows and replaces their tokens, and makes none.</summary>
public sealed class ProviderConnectionStore(Database database)
{
    /// <summary>The subject that stands for everybody without a connection of their own.</summary>
    public const string Shared = "caracal:shared";

    private const string Columns =
        "id, zone_id, subject_id, provider_id, status, access_token_ct, refresh_token_ct, expires_at, refresh_token_version";

    /// <summary>The active connection of exactly this subject, else the shared one, else null.</summary>
    public Task<ProviderConnection?> FindAsync(string zoneId, string providerId, string subjectId, CancellationToken cancellationToken) =>
        database.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<ProviderConnection?>(
                $"""
                 SELECT {Columns} FROM provider_connections
                 WHERE zone_id = @zoneId AND provider_id = @providerId AND subject_id IN (@subjectId, @Shared) AND status = 'active'
                 ORDER BY CASE WHEN subject_id = @subjectId THEN 0 ELSE 1 END
                 LIMIT 1
                 """,
                new { zoneId, providerId, subjectId, Shared }),
            cancellationToken);

    /// <summary>One connection in any state, or null.</summary>
    public Task<ProviderConnection?> FindByIdAsync(string id, CancellationToken cancellationToken) =>
        database.ReadAsync(
            connection => connection.QuerySingleOrDefaultAsync<ProviderConnection?>(
                $"SELECT {Columns} FROM provider_connections WHERE id = @id", new { id }),
            cancellationToken);

    /// <summary>
    /// Stores refreshed tokens over version <paramref name="version"/>; a null refresh token keeps the old one. False when
    /// the row has moved on or was revoked meanwhile: nothing is written then.
    /// </summary>
    public Task<bool> ReplaceTokensAsync(
        string id, long version, byte[] accessToken, byte[]? refreshToken, DateTimeOffset expiresAt, DateTimeOffset now,
        CancellationToken cancellationToken) =>
        database.WriteAsync(
            async work => await work.Connection.ExecuteAsync(
                """
                UPDATE provider_connections
                SET access_token_ct = @accessToken, refresh_token_ct = coalesce(@refreshToken, refresh_token_ct),
                    expires_at = @expiresAt, refreshed_at = @now, updated_at = @now, refresh_token_version = @version + 1
                WHERE id = @id AND refresh_token_version = @version AND status = 'active'
                """,
                new { id, version, accessToken, refreshToken, expiresAt, now }) == 1,
            cancellationToken);

    /// <summary>Marks the version that was read as expired: it can be used and refreshed no more.</summary>
    public Task ExpireAsync(string id, long version, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            work => work.Connection.ExecuteAsync(
                """
                UPDATE provider_connections SET status = 'expired', updated_at = @now
                WHERE id = @id AND refresh_token_version = @version AND status = 'active'
                """,
                new { id, version, now }),
            cancellationToken);
}
