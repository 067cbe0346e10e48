using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.ProviderConnections;

/// <summary>A connection as the management API shows it; its tokens stay sealed.</summary>
public sealed record ConnectionRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string SubjectId { get; init; } = "";
    public string ProviderId { get; init; } = "";
    public string Status { get; init; } = "";
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? RefreshedAt { get; init; }
    public bool Renewable { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>The sealed tokens of a connection, read in the moment it is revoked.</summary>
public sealed record ConnectionTokensRow(byte[]? AccessTokenCt, byte[]? RefreshTokenCt);

/// <summary>New tokens of a subject's connection to a provider.</summary>
public sealed record NewConnection
{
    public required string Id { get; init; }
    public required string ZoneId { get; init; }
    public required string SubjectId { get; init; }
    public required string ProviderId { get; init; }
    public required byte[] AccessTokenCt { get; init; }
    public byte[]? RefreshTokenCt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public required DateTimeOffset Now { get; init; }
}

/// <summary>Table <c>provider_connections</c> as its owner, the API, keeps it (api.md 11.3).</summary>
public static class ConnectionDirectory
{
    private const string Columns =
        """
        id, zone_id, subject_id, provider_id, status, expires_at, refreshed_at,
        CASE WHEN refresh_token_ct IS NOT NULL AND status = 'active' THEN 1 ELSE 0 END AS renewable, created_at, updated_at
        """;

    public static Task<IReadOnlyList<ConnectionRow>> ListAsync(
        DbConnection connection, string zoneId, string? providerId, string? subjectId, string? status, PageQuery page) =>
        new Filter()
            .AndEqual("zone_id", "zoneId", zoneId)
            .AndEqual("provider_id", "providerId", providerId)
            .AndEqual("subject_id", "subjectId", subjectId)
            .AndEqual("status", "status", status)
            .PageAsync<ConnectionRow>(connection, $"SELECT {Columns} FROM provider_connections", page);

    /// <summary>Stores tokens in the one active row of zone, subject and provider; made when there is none.</summary>
    public static Task<ConnectionRow> PutAsync(Work work, NewConnection made) =>
        work.Connection.QuerySingleAsync<ConnectionRow>(
            $"""
             INSERT INTO provider_connections (id, zone_id, subject_id, provider_id, status, access_token_ct, refresh_token_ct, expires_at,
                                               refresh_token_version, created_at, updated_at)
             VALUES (@Id, @ZoneId, @SubjectId, @ProviderId, 'active', @AccessTokenCt, @RefreshTokenCt, @ExpiresAt, 1, @Now, @Now)
             ON CONFLICT (zone_id, subject_id, provider_id) WHERE status = 'active' DO UPDATE SET
                 access_token_ct = excluded.access_token_ct, refresh_token_ct = excluded.refresh_token_ct, expires_at = excluded.expires_at,
                 refreshed_at = NULL, refresh_token_version = provider_connections.refresh_token_version + 1, updated_at = excluded.updated_at
             RETURNING {Columns}
             """,
            made);

    /// <summary>The tokens of the active connection, for taking them back where they came from; null when there is none.</summary>
    public static Task<ConnectionTokensRow?> FindTokensAsync(Work work, string zoneId, string subjectId, string providerId) =>
        work.Connection.QuerySingleOrDefaultAsync<ConnectionTokensRow?>(
            """
            SELECT access_token_ct, refresh_token_ct FROM provider_connections
            WHERE zone_id = @zoneId AND subject_id = @subjectId AND provider_id = @providerId AND status = 'active'
            """,
            new { zoneId, subjectId, providerId });

    /// <summary>Revokes the active connection and forgets its tokens; null when there is none.</summary>
    public static Task<ConnectionRow?> RevokeAsync(Work work, string zoneId, string subjectId, string providerId, DateTimeOffset now) =>
        work.Connection.QuerySingleOrDefaultAsync<ConnectionRow?>(
            $"""
             UPDATE provider_connections SET status = 'revoked', access_token_ct = NULL, refresh_token_ct = NULL, updated_at = @now
             WHERE zone_id = @zoneId AND subject_id = @subjectId AND provider_id = @providerId AND status = 'active' RETURNING {Columns}
             """,
            new { zoneId, subjectId, providerId, now });
}
