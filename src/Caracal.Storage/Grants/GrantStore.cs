using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.Grants;

/// <summary>A row of <c>delegated_grants</c>; the names are filled by the list only.</summary>
public sealed record GrantRow : AttributedRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string ApplicationId { get; init; } = "";
    public string UserId { get; init; } = "";
    public string ResourceId { get; init; } = "";
    public string? ProviderId { get; init; }
    public string[] Scopes { get; init; } = [];
    public string Status { get; init; } = "";
    public string? ApplicationName { get; init; }
    public string? ResourceName { get; init; }
    public string? ProviderName { get; init; }
    public string? ProviderKind { get; init; }
}

/// <summary>What a grant list is narrowed to.</summary>
public sealed record GrantFilter(
    string? ApplicationId, string? UserId, string? ResourceId, string? ProviderId, string? Status, IReadOnlyList<string> Scopes);

/// <summary>Table <c>delegated_grants</c> (storage.md 4).</summary>
public static class GrantStore
{
    private const string Select =
        """
        SELECT g.id, g.zone_id, g.application_id, g.user_id, g.resource_id, r.credential_provider_id AS provider_id, g.scopes, g.status,
               a.name AS application_name, r.name AS resource_name, p.name AS provider_name, p.provider_kind,
               g.created_by, g.created_via_operator, g.updated_by, g.updated_via_operator, g.created_at, g.updated_at
        FROM delegated_grants g
        LEFT JOIN applications a ON a.zone_id = g.zone_id AND a.id = g.application_id
        LEFT JOIN resources r ON r.zone_id = g.zone_id AND r.id = g.resource_id
        LEFT JOIN providers p ON p.zone_id = g.zone_id AND p.id = r.credential_provider_id
        """;

    public static Task<GrantRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<GrantRow>($"{Select} WHERE g.zone_id = @zoneId AND g.id = @id", new { zoneId, id });

    public static Task<IReadOnlyList<GrantRow>> ListAsync(
        DbConnection connection, ISqlDialect dialect, string zoneId, GrantFilter filter, PageQuery page)
    {
        var conditions = new Filter()
            .AndEqual("g.zone_id", "zoneId", zoneId)
            .AndEqual("g.application_id", "applicationId", filter.ApplicationId)
            .AndEqual("g.user_id", "userId", filter.UserId)
            .AndEqual("g.resource_id", "resourceId", filter.ResourceId)
            .AndEqual("r.credential_provider_id", "providerId", filter.ProviderId)
            .AndEqual("g.status", "status", filter.Status);
        for (var i = 0; i < filter.Scopes.Count; i++)
        {
            conditions.And(dialect.ArrayContains("g.scopes", $"@scope{i}"), $"scope{i}", filter.Scopes[i]);
        }

        return conditions.PageAsync<GrantRow>(connection, Select, page, "g.created_at", "g.id");
    }

    public static Task InsertAsync(Work work, GrantRow grant) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO delegated_grants (id, zone_id, application_id, user_id, resource_id, scopes, status, created_by,
                                          created_via_operator, created_at, updated_at)
            VALUES (@Id, @ZoneId, @ApplicationId, @UserId, @ResourceId, @Scopes, @Status, @CreatedBy, @CreatedViaOperator, @CreatedAt, @UpdatedAt)
            """,
            grant);

    public static Task RevokeAsync(Work work, string zoneId, string id, string actor, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE delegated_grants SET status = 'revoked', updated_at = @now, updated_by = @actor
            WHERE zone_id = @zoneId AND id = @id AND status <> 'revoked'
            """,
            new { zoneId, id, actor, now });
}
