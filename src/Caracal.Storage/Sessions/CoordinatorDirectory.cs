using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Sessions;

/// <summary>An application as the Coordinator may see it.</summary>
public sealed record DirectoryApplication
{
    public string Id { get; init; } = "";
    public string RegistrationMethod { get; init; } = "";
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? ArchivedAt { get; init; }

    public bool IsDynamic => RegistrationMethod == "dcr";

    public bool IsLive(DateTimeOffset now) => ArchivedAt is null && (ExpiresAt is null || ExpiresAt > now);
}

/// <summary>An authority record as the Coordinator may see it.</summary>
public sealed record DirectoryRecord
{
    public string Id { get; init; } = "";

    /// <summary><c>user</c> or <c>application</c>.</summary>
    public string SessionType { get; init; } = "";
    public string SubjectId { get; init; } = "";
    public string Status { get; init; } = "";
    public DateTimeOffset ExpiresAt { get; init; }

    public bool IsLive(DateTimeOffset now) => Status == "active" && ExpiresAt > now;

    /// <summary>A live application record of exactly this application.</summary>
    public bool IsLiveApplication(string applicationId, DateTimeOffset now) =>
        SessionType == "application" && SubjectId == applicationId && IsLive(now);
}

/// <summary>A resource as the Coordinator may see it.</summary>
public sealed record DirectoryResource
{
    public string Id { get; init; } = "";
    public string Identifier { get; init; } = "";
    public string[] Scopes { get; init; } = [];
}

/// <summary>
/// What the Coordinator reads of other services' tables: SELECT only, never locked (coordinator.md 4, storage.md 2).
/// </summary>
/// <param name="dialect">What the engine says its own way.</param>
public sealed class CoordinatorDirectory(ISqlDialect dialect)
{
    public Task<DirectoryApplication?> FindApplicationAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<DirectoryApplication?>(
            "SELECT id, registration_method, expires_at, archived_at FROM applications WHERE zone_id = @zoneId AND id = @id",
            new { zoneId, id });

    /// <summary>Whether the application lives and, when one is named, so does the authority record; asked with every request.</summary>
    public Task<bool> IsLiveIdentityAsync(DbConnection connection, string zoneId, string applicationId, string? recordId, DateTimeOffset now) =>
        connection.ExecuteScalarAsync<bool>(
            $"""
             SELECT EXISTS (SELECT 1 FROM applications
                            WHERE zone_id = @zoneId AND id = @applicationId AND archived_at IS NULL AND (expires_at IS NULL OR expires_at > @now))
                {(recordId is null ? "" : "AND EXISTS (SELECT 1 FROM authority_records WHERE zone_id = @zoneId AND id = @recordId AND status = 'active' AND expires_at > @now)")}
             """,
            new { zoneId, applicationId, recordId, now });

    public Task<DirectoryRecord?> FindRecordAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<DirectoryRecord?>(
            "SELECT id, session_type, subject_id, status, expires_at FROM authority_records WHERE zone_id = @zoneId AND id = @id",
            new { zoneId, id });

    public async Task<IReadOnlyList<DirectoryRecord>> RecordsAsync(DbConnection connection, string zoneId, IReadOnlyCollection<string> ids) =>
        (await connection.QueryAsync<DirectoryRecord>(
            $"SELECT id, session_type, subject_id, status, expires_at FROM authority_records WHERE zone_id = @zoneId AND {dialect.AnyOfBound("id", "@ids")}",
            new { zoneId, ids = dialect.ListValue(ids) })).AsList();

    /// <summary>Unarchived resources of the zone by row id or identifier.</summary>
    public async Task<IReadOnlyList<DirectoryResource>> ResourcesAsync(DbConnection connection, string zoneId, IReadOnlyCollection<string> names) =>
        names.Count == 0
            ? []
            : (await connection.QueryAsync<DirectoryResource>(
                $"""
                 SELECT id, identifier, scopes FROM resources
                 WHERE zone_id = @zoneId AND archived_at IS NULL AND ({dialect.AnyOfBound("id", "@names")} OR {dialect.AnyOfBound("identifier", "@names")})
                 """,
                new { zoneId, names = dialect.ListValue(names) })).AsList();

    /// <summary>The identifier behind a stored <c>resource_id</c>; null when the resource is gone or archived.</summary>
    public Task<string?> ResourceIdentifierAsync(DbConnection connection, string zoneId, string id) =>
        connection.ExecuteScalarAsync<string?>(
            "SELECT identifier FROM resources WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL", new { zoneId, id });
}
