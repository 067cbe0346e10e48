using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.Workloads;

/// <summary>A row of <c>workloads</c>.</summary>
public sealed record WorkloadRow : AttributedRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string Name { get; init; } = "";
    public string SecretHash { get; init; } = "";
    public JsonText Bindings { get; init; }
}

/// <summary>Table <c>workloads</c> (storage.md 4).</summary>
public static class WorkloadStore
{
    private const string Select =
        """
        SELECT id, zone_id, name, secret_hash, bindings, created_by, created_via_operator, updated_by, updated_via_operator,
               created_at, updated_at FROM workloads
        """;

    public static Task<WorkloadRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<WorkloadRow>($"{Select} WHERE zone_id = @zoneId AND id = @id", new { zoneId, id });

    public static Task<IReadOnlyList<WorkloadRow>> ListAsync(DbConnection connection, string zoneId, PageQuery page) =>
        new Filter().AndEqual("zone_id", "zoneId", zoneId).PageAsync<WorkloadRow>(connection, Select, page);

    public static Task InsertAsync(Work work, WorkloadRow workload) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO workloads (id, zone_id, name, secret_hash, bindings, created_by, created_via_operator, created_at)
            VALUES (@Id, @ZoneId, @Name, @SecretHash, @Bindings, @CreatedBy, @CreatedViaOperator, @CreatedAt)
            """,
            workload);

    public static Task UpdateAsync(Work work, WorkloadRow workload) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE workloads SET name = @Name, secret_hash = @SecretHash, bindings = @Bindings, updated_by = @UpdatedBy,
                updated_via_operator = @UpdatedViaOperator, updated_at = @UpdatedAt WHERE zone_id = @ZoneId AND id = @Id
            """,
            workload);

    public static async Task<bool> DeleteAsync(Work work, string zoneId, string id) =>
        await work.Connection.ExecuteAsync("DELETE FROM workloads WHERE zone_id = @zoneId AND id = @id", new { zoneId, id }) > 0;
}
