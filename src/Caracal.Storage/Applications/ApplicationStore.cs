using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.Applications;

/// <summary>A row of <c>applications</c>.</summary>
public sealed record ApplicationRow : AttributedRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string Name { get; init; } = "";
    public string RegistrationMethod { get; init; } = "";
    public string? ClientSecretHash { get; init; }
    public string[] Traits { get; init; } = [];
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? ArchivedAt { get; init; }
}

/// <summary>Table <c>applications</c> (storage.md 4).</summary>
public static class ApplicationStore
{
    private const string Select =
        """
        SELECT id, zone_id, name, registration_method, client_secret_hash, traits, expires_at, archived_at, created_by,
               created_via_operator, updated_by, updated_via_operator, created_at, updated_at FROM applications
        """;

    /// <summary>An unarchived application.</summary>
    public static Task<ApplicationRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<ApplicationRow>(
            $"{Select} WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL", new { zoneId, id });

    public static Task<IReadOnlyList<ApplicationRow>> ListAsync(DbConnection connection, string zoneId, bool archived, PageQuery page) =>
        new Filter()
            .AndEqual("zone_id", "zoneId", zoneId)
            .And(archived ? "archived_at IS NOT NULL" : "archived_at IS NULL")
            .PageAsync<ApplicationRow>(connection, Select, page);

    /// <summary>Whether another unarchived managed application carries the name, in any case.</summary>
    public static async Task<bool> NameTakenAsync(DbConnection connection, string zoneId, string name, string exceptId) =>
        await connection.ExecuteScalarAsync<long>(
            """
            SELECT count(*) FROM applications WHERE zone_id = @zoneId AND lower(name) = lower(@name) AND archived_at IS NULL
              AND registration_method = 'managed' AND id <> @exceptId
            """,
            new { zoneId, name, exceptId }) > 0;

    /// <summary>Dynamically registered, unarchived and unexpired.</summary>
    public static Task<long> CountLiveDcrAsync(DbConnection connection, string zoneId, DateTimeOffset now) =>
        connection.ExecuteScalarAsync<long>(
            """
            SELECT count(*) FROM applications WHERE zone_id = @zoneId AND registration_method = 'dcr' AND archived_at IS NULL
              AND expires_at > @now
            """,
            new { zoneId, now });

    public static async Task<IReadOnlyList<string>> ListLiveDcrAsync(DbConnection connection, string zoneId, DateTimeOffset now) =>
        (await connection.QueryAsync<string>(
            """
            SELECT id FROM applications WHERE zone_id = @zoneId AND registration_method = 'dcr' AND archived_at IS NULL
              AND expires_at > @now
            """,
            new { zoneId, now })).AsList();

    public static Task InsertAsync(Work work, ApplicationRow application) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO applications (id, zone_id, name, registration_method, client_secret_hash, traits, expires_at,
                                      created_by, created_via_operator, created_at, updated_at)
            VALUES (@Id, @ZoneId, @Name, @RegistrationMethod, @ClientSecretHash, @Traits, @ExpiresAt,
                    @CreatedBy, @CreatedViaOperator, @CreatedAt, @UpdatedAt)
            """,
            application);

    public static Task UpdateAsync(Work work, ApplicationRow application) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE applications SET name = @Name, client_secret_hash = @ClientSecretHash, traits = @Traits,
                updated_by = @UpdatedBy, updated_via_operator = @UpdatedViaOperator, updated_at = @UpdatedAt
            WHERE zone_id = @ZoneId AND id = @Id
            """,
            application);

    public static async Task<bool> ArchiveAsync(Work work, string zoneId, string id, string actor, DateTimeOffset now) =>
        await work.Connection.ExecuteAsync(
            """
            UPDATE applications SET archived_at = @now, updated_at = @now, updated_by = @actor
            WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL
            """,
            new { zoneId, id, actor, now }) > 0;

    /// <summary>Archives dynamically registered applications that expired before <paramref name="before"/> (api.md 12.4).</summary>
    public static async Task<IReadOnlyList<(string ZoneId, string Id)>> ArchiveExpiredAsync(
        Work work, DateTimeOffset before, int limit, DateTimeOffset now) =>
        (await work.Connection.QueryAsync<(string, string)>(
            """
            UPDATE applications SET archived_at = @now, updated_at = @now WHERE id IN (
                SELECT id FROM applications WHERE registration_method = 'dcr' AND archived_at IS NULL AND expires_at < @before
                ORDER BY expires_at LIMIT @limit)
            RETURNING zone_id, id
            """,
            new { before, limit, now })).AsList();
}
