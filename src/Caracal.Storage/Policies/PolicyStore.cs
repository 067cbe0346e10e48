using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.Policies;

/// <summary>A row of <c>policies</c>.</summary>
public sealed record PolicyRow : AttributedRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string Name { get; init; } = "";
    public string? Description { get; init; }
}

/// <summary>A row of <c>policy_versions</c>: immutable.</summary>
public sealed record PolicyVersionRow
{
    public string Id { get; init; } = "";
    public string PolicyId { get; init; } = "";
    public long Version { get; init; }
    public string Content { get; init; } = "";
    public string ContentSha256 { get; init; } = "";
    public string SchemaVersion { get; init; } = "";
    public string CreatedBy { get; init; } = "";
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ArchivedAt { get; init; }
    public bool CreatedViaOperator { get; init; }

    /// <summary>The zone of the policy; filled only where versions of several policies are read together.</summary>
    public string ZoneId { get; init; } = "";
}

/// <summary>Tables <c>policies</c> and <c>policy_versions</c> (storage.md 4).</summary>
public static class PolicyStore
{
    private const string Select =
        """
        SELECT id, zone_id, name, description, created_by, created_via_operator, updated_by, updated_via_operator, created_at,
               updated_at FROM policies
        """;

    private const string VersionColumns =
        "v.id, v.policy_id, v.version, v.content, v.content_sha256, v.schema_version, v.created_by, v.created_at, v.archived_at, v.created_via_operator";

    public static Task<PolicyRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<PolicyRow>(
            $"{Select} WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL", new { zoneId, id });

    /// <summary>The name of a policy, archived or not; a set's old versions still name it.</summary>
    public static Task<string?> FindNameAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<string?>("SELECT name FROM policies WHERE zone_id = @zoneId AND id = @id", new { zoneId, id });

    public static Task<IReadOnlyList<PolicyRow>> ListAsync(DbConnection connection, string zoneId, PageQuery page) =>
        new Filter().AndEqual("zone_id", "zoneId", zoneId).And("archived_at IS NULL").PageAsync<PolicyRow>(connection, Select, page);

    /// <summary>All versions of a policy, newest first.</summary>
    public static async Task<IReadOnlyList<PolicyVersionRow>> ListVersionsAsync(DbConnection connection, string policyId) =>
        (await connection.QueryAsync<PolicyVersionRow>(
            $"SELECT {VersionColumns} FROM policy_versions v WHERE v.policy_id = @policyId ORDER BY v.version DESC", new { policyId })).AsList();

    /// <summary>The versions a manifest names, each with its zone; absent ones are missing from the answer.</summary>
    public static async Task<IReadOnlyList<PolicyVersionRow>> FindVersionsAsync(DbConnection connection, ISqlDialect dialect, IEnumerable<string> ids) =>
        (await connection.QueryAsync<PolicyVersionRow>(
            $"SELECT {VersionColumns}, p.zone_id FROM policy_versions v JOIN policies p ON p.id = v.policy_id WHERE {dialect.AnyOf("v.id", "@ids")}",
            new { ids = ids.ToList() })).AsList();

    public static Task InsertAsync(Work work, PolicyRow policy) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO policies (id, zone_id, name, description, created_by, created_via_operator, created_at, updated_at)
            VALUES (@Id, @ZoneId, @Name, @Description, @CreatedBy, @CreatedViaOperator, @CreatedAt, @UpdatedAt)
            """,
            policy);

    /// <summary>The number the next version of a policy gets; hold the policy's lock.</summary>
    public static Task<long> NextVersionAsync(Work work, string policyId) =>
        work.Connection.ExecuteScalarAsync<long>(
            "SELECT coalesce(max(version), 0) + 1 FROM policy_versions WHERE policy_id = @policyId", new { policyId });

    public static Task InsertVersionAsync(Work work, PolicyVersionRow version) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO policy_versions (id, policy_id, version, content, content_sha256, schema_version, created_by, created_at, created_via_operator)
            VALUES (@Id, @PolicyId, @Version, @Content, @ContentSha256, @SchemaVersion, @CreatedBy, @CreatedAt, @CreatedViaOperator)
            """,
            version);

    public static Task TouchAsync(Work work, string id, string actor, DateTimeOffset now) =>
        work.Connection.ExecuteAsync("UPDATE policies SET updated_at = @now, updated_by = @actor WHERE id = @id", new { id, actor, now });

    public static async Task<bool> ArchiveAsync(Work work, string zoneId, string id, string actor, DateTimeOffset now) =>
        await work.Connection.ExecuteAsync(
            """
            UPDATE policies SET archived_at = @now, updated_at = @now, updated_by = @actor
            WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL
            """,
            new { zoneId, id, actor, now }) > 0;
}
