using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.Zones;

/// <summary>A row of <c>zones</c>.</summary>
public sealed record ZoneRow : AttributedRow
{
    public string Id { get; init; } = "";
    public string Name { get; init; } = "";
    public string Slug { get; init; } = "";
    public bool DcrEnabled { get; init; }
    public string? OwnerAccountId { get; init; }
    public bool OperatorCoauthorBadge { get; init; }
    public bool OperatorGoverned { get; init; }
    public DateTimeOffset? ArchivedAt { get; init; }
}

/// <summary>Table <c>zones</c> (storage.md 4).</summary>
public static class ZoneStore
{
    private const string Select =
        """
        SELECT id, name, slug, dcr_enabled, owner_account_id, operator_coauthor_badge, operator_governed, created_by,
               created_via_operator, updated_by, updated_via_operator, created_at, updated_at, archived_at FROM zones
        """;

    /// <summary>An unarchived zone.</summary>
    public static Task<ZoneRow?> FindAsync(DbConnection connection, string id) =>
        connection.QuerySingleOrDefaultAsync<ZoneRow>($"{Select} WHERE id = @id AND archived_at IS NULL", new { id });

    public static async Task<bool> ExistsAsync(DbConnection connection, string id) =>
        await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM zones WHERE id = @id AND archived_at IS NULL", new { id }) > 0;

    /// <summary>Unarchived zones outside the reserved namespace (api.md 2.3), of one owner when named.</summary>
    public static Task<IReadOnlyList<ZoneRow>> ListAsync(DbConnection connection, string? ownerAccountId, PageQuery page) =>
        new Filter()
            .And("archived_at IS NULL AND lower(trim(name)) NOT LIKE 'caracal.sys/%' AND lower(slug) NOT LIKE 'caracal-sys-%'")
            .AndEqual("owner_account_id", "ownerAccountId", ownerAccountId)
            .PageAsync<ZoneRow>(connection, Select, page);

    /// <summary>Slugs are unique for ever, so archived zones count.</summary>
    public static async Task<bool> SlugTakenAsync(DbConnection connection, string slug, string? exceptId = null) =>
        await connection.ExecuteScalarAsync<long>(
            "SELECT count(*) FROM zones WHERE slug = @slug AND id <> @exceptId", new { slug, exceptId = exceptId ?? "" }) > 0;

    public static Task InsertAsync(Work work, ZoneRow zone) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO zones (id, name, slug, dcr_enabled, owner_account_id, operator_coauthor_badge, operator_governed,
                               created_by, created_via_operator, created_at, updated_at)
            VALUES (@Id, @Name, @Slug, @DcrEnabled, @OwnerAccountId, @OperatorCoauthorBadge, @OperatorGoverned,
                    @CreatedBy, @CreatedViaOperator, @CreatedAt, @UpdatedAt)
            """,
            zone);

    public static Task UpdateAsync(Work work, ZoneRow zone) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE zones SET name = @Name, slug = @Slug, dcr_enabled = @DcrEnabled,
                operator_coauthor_badge = @OperatorCoauthorBadge, operator_governed = @OperatorGoverned,
                updated_by = @UpdatedBy, updated_via_operator = @UpdatedViaOperator, updated_at = @UpdatedAt
            WHERE id = @Id
            """,
            zone);

    public static async Task<bool> ArchiveAsync(Work work, string id, string actor, DateTimeOffset now) =>
        await work.Connection.ExecuteAsync(
            "UPDATE zones SET archived_at = @now, updated_at = @now, updated_by = @actor WHERE id = @id AND archived_at IS NULL",
            new { id, actor, now }) > 0;
}
