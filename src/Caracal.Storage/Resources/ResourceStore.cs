using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.Resources;

/// <summary>A row of <c>resources</c>.</summary>
public sealed record ResourceRow : AttributedRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string Name { get; init; } = "";
    public string Identifier { get; init; } = "";
    public string? UpstreamUrl { get; init; }
    public string CredentialProviderId { get; init; } = "";
    public string[] Scopes { get; init; } = [];
    public JsonText Operations { get; init; }
    public string OperationEnforcement { get; init; } = "";
    public DateTimeOffset? ArchivedAt { get; init; }
}

/// <summary>Table <c>resources</c> (storage.md 4).</summary>
public static class ResourceStore
{
    private const string Select =
        """
        SELECT id, zone_id, name, identifier, upstream_url, credential_provider_id, scopes, operations, operation_enforcement,
               archived_at, created_by, created_via_operator, updated_by, updated_via_operator, created_at, updated_at FROM resources
        """;

    /// <summary>An unarchived resource.</summary>
    public static Task<ResourceRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<ResourceRow>(
            $"{Select} WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL", new { zoneId, id });

    public static Task<ResourceRow?> FindByIdentifierAsync(DbConnection connection, string zoneId, string identifier) =>
        connection.QuerySingleOrDefaultAsync<ResourceRow>(
            $"{Select} WHERE zone_id = @zoneId AND identifier = @identifier AND archived_at IS NULL", new { zoneId, identifier });

    /// <summary>The oldest unarchived resource with an upstream whose calls carry a provider's credential.</summary>
    public static Task<ResourceRow?> FindOfProviderAsync(DbConnection connection, string zoneId, string providerId) =>
        connection.QuerySingleOrDefaultAsync<ResourceRow>(
            $"""
             {Select} WHERE zone_id = @zoneId AND credential_provider_id = @providerId AND upstream_url IS NOT NULL AND archived_at IS NULL
             ORDER BY created_at, id LIMIT 1
             """,
            new { zoneId, providerId });

    /// <summary>One page; <paramref name="hiddenIdentifier"/> is left out when named.</summary>
    public static Task<IReadOnlyList<ResourceRow>> ListAsync(
        DbConnection connection, string zoneId, bool archived, string? hiddenIdentifier, PageQuery page)
    {
        var filter = new Filter().AndEqual("zone_id", "zoneId", zoneId).And(archived ? "archived_at IS NOT NULL" : "archived_at IS NULL");
        if (hiddenIdentifier is not null) filter.And("identifier <> @hiddenIdentifier", "hiddenIdentifier", hiddenIdentifier);
        return filter.PageAsync<ResourceRow>(connection, Select, page);
    }

    public static Task<long> CountActiveAsync(DbConnection connection, string zoneId) =>
        connection.ExecuteScalarAsync<long>(
            "SELECT count(*) FROM resources WHERE zone_id = @zoneId AND archived_at IS NULL", new { zoneId });

    public static Task InsertAsync(Work work, ResourceRow resource) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO resources (id, zone_id, name, identifier, upstream_url, credential_provider_id, scopes, operations,
                                   operation_enforcement, created_by, created_via_operator, created_at, updated_at)
            VALUES (@Id, @ZoneId, @Name, @Identifier, @UpstreamUrl, @CredentialProviderId, @Scopes, @Operations,
                    @OperationEnforcement, @CreatedBy, @CreatedViaOperator, @CreatedAt, @UpdatedAt)
            """,
            resource);

    public static Task UpdateAsync(Work work, ResourceRow resource) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE resources SET name = @Name, identifier = @Identifier, upstream_url = @UpstreamUrl,
                credential_provider_id = @CredentialProviderId, scopes = @Scopes, operations = @Operations,
                operation_enforcement = @OperationEnforcement, updated_by = @UpdatedBy,
                updated_via_operator = @UpdatedViaOperator, updated_at = @UpdatedAt
            WHERE zone_id = @ZoneId AND id = @Id
            """,
            resource);

    public static async Task<bool> ArchiveAsync(Work work, string zoneId, string id, string actor, DateTimeOffset now) =>
        await work.Connection.ExecuteAsync(
            """
            UPDATE resources SET archived_at = @now, updated_at = @now, updated_by = @actor
            WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL
            """,
            new { zoneId, id, actor, now }) > 0;
}
