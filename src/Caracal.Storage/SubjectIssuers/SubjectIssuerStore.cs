using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.SubjectIssuers;

/// <summary>A row of <c>subject_issuers</c>.</summary>
public sealed record SubjectIssuerRow : AttributedRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string Issuer { get; init; } = "";
    public string JwksUrl { get; init; } = "";
    public string Audience { get; init; } = "";
}

/// <summary>Table <c>subject_issuers</c> (storage.md 4).</summary>
public static class SubjectIssuerStore
{
    private const string Select =
        """
        SELECT id, zone_id, issuer, jwks_url, audience, created_by, created_via_operator, updated_by, updated_via_operator,
               created_at, updated_at FROM subject_issuers
        """;

    public static Task<SubjectIssuerRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<SubjectIssuerRow>(
            $"{Select} WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL", new { zoneId, id });

    public static Task<IReadOnlyList<SubjectIssuerRow>> ListAsync(DbConnection connection, string zoneId, PageQuery page) =>
        new Filter().AndEqual("zone_id", "zoneId", zoneId).And("archived_at IS NULL").PageAsync<SubjectIssuerRow>(connection, Select, page);

    public static Task<long> CountAsync(DbConnection connection, string zoneId) =>
        connection.ExecuteScalarAsync<long>(
            "SELECT count(*) FROM subject_issuers WHERE zone_id = @zoneId AND archived_at IS NULL", new { zoneId });

    public static Task InsertAsync(Work work, SubjectIssuerRow issuer) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO subject_issuers (id, zone_id, issuer, jwks_url, audience, created_by, created_via_operator, created_at, updated_at)
            VALUES (@Id, @ZoneId, @Issuer, @JwksUrl, @Audience, @CreatedBy, @CreatedViaOperator, @CreatedAt, @UpdatedAt)
            """,
            issuer);

    public static Task UpdateAsync(Work work, SubjectIssuerRow issuer) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE subject_issuers SET jwks_url = @JwksUrl, audience = @Audience, updated_by = @UpdatedBy,
                updated_via_operator = @UpdatedViaOperator, updated_at = @UpdatedAt WHERE zone_id = @ZoneId AND id = @Id
            """,
            issuer);

    public static async Task<bool> ArchiveAsync(Work work, string zoneId, string id, string actor, DateTimeOffset now) =>
        await work.Connection.ExecuteAsync(
            """
            UPDATE subject_issuers SET archived_at = @now, updated_at = @now, updated_by = @actor
            WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL
            """,
            new { zoneId, id, actor, now }) > 0;
}
