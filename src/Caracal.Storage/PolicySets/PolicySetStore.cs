using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.PolicySets;

/// <summary>A row of <c>policy_sets</c> with its binding.</summary>
public sealed record PolicySetRow : AttributedRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string Name { get; init; } = "";
    public string? Description { get; init; }
    public string? ActiveVersionId { get; init; }
}

/// <summary>A row of <c>policy_set_versions</c>: immutable.</summary>
public sealed record PolicySetVersionRow
{
    public string Id { get; init; } = "";
    public string PolicySetId { get; init; } = "";
    public long Version { get; init; }
    public JsonText ManifestJson { get; init; }
    public string ManifestSha256 { get; init; } = "";
    public string SchemaVersion { get; init; } = "";
    public string CreatedBy { get; init; } = "";
    public bool CreatedViaOperator { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Tables <c>policy_sets</c>, <c>policy_set_versions</c> and <c>policy_set_bindings</c> (storage.md 4).</summary>
public static class PolicySetStore
{
    private const string Select =
        """
        SELECT id, zone_id, name, description, created_by, created_via_operator, updated_by, updated_via_operator, created_at, updated_at,
               (SELECT b.active_version_id FROM policy_set_bindings b WHERE b.policy_set_id = policy_sets.id) AS active_version_id
        FROM policy_sets
        """;

    private const string SelectVersion =
        """
        SELECT id, policy_set_id, version, manifest_json, manifest_sha256, schema_version, created_by, created_via_operator, created_at
        FROM policy_set_versions
        """;

    public static Task<PolicySetRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<PolicySetRow>(
            $"{Select} WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL", new { zoneId, id });

    public static Task<IReadOnlyList<PolicySetRow>> ListAsync(DbConnection connection, string zoneId, PageQuery page) =>
        new Filter().AndEqual("zone_id", "zoneId", zoneId).And("archived_at IS NULL").PageAsync<PolicySetRow>(connection, Select, page);

    public static async Task InsertAsync(Work work, PolicySetRow set)
    {
        await work.Connection.ExecuteAsync(
            """
            INSERT INTO policy_sets (id, zone_id, name, description, created_by, created_via_operator, created_at, updated_at)
            VALUES (@Id, @ZoneId, @Name, @Description, @CreatedBy, @CreatedViaOperator, @CreatedAt, @UpdatedAt)
            """,
            set);
        await work.Connection.ExecuteAsync(
            "INSERT INTO policy_set_bindings (zone_id, policy_set_id, active_version_id, updated_at) VALUES (@ZoneId, @Id, NULL, @CreatedAt)",
            set);
    }

    public static Task<PolicySetVersionRow?> FindVersionAsync(DbConnection connection, string policySetId, string id) =>
        connection.QuerySingleOrDefaultAsync<PolicySetVersionRow>(
            $"{SelectVersion} WHERE policy_set_id = @policySetId AND id = @id", new { policySetId, id });

    /// <summary>A version of any set of the zone, archived sets included; or null.</summary>
    public static Task<PolicySetVersionRow?> FindVersionOfZoneAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<PolicySetVersionRow?>(
            $"{SelectVersion} WHERE id = @id AND policy_set_id IN (SELECT id FROM policy_sets WHERE zone_id = @zoneId)", new { zoneId, id });

    /// <summary>The newest version before a number, or null.</summary>
    public static Task<PolicySetVersionRow?> FindBeforeAsync(DbConnection connection, string policySetId, long version) =>
        connection.QueryFirstOrDefaultAsync<PolicySetVersionRow?>(
            $"{SelectVersion} WHERE policy_set_id = @policySetId AND version < @version ORDER BY version DESC LIMIT 1", new { policySetId, version });

    /// <summary>Versions of a set, newest first.</summary>
    public static Task<IReadOnlyList<PolicySetVersionRow>> ListVersionsAsync(DbConnection connection, string policySetId, PageQuery page) =>
        new Filter().AndEqual("policy_set_id", "policySetId", policySetId).PageAsync<PolicySetVersionRow>(connection, SelectVersion, page);

    /// <summary>The number the next version of a set gets; hold the set's lock.</summary>
    public static Task<long> NextVersionAsync(Work work, string policySetId) =>
        work.Connection.ExecuteScalarAsync<long>(
            "SELECT coalesce(max(version), 0) + 1 FROM policy_set_versions WHERE policy_set_id = @policySetId", new { policySetId });

    public static Task InsertVersionAsync(Work work, PolicySetVersionRow version) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO policy_set_versions (id, policy_set_id, version, manifest_json, manifest_sha256, schema_version, created_by, created_via_operator, created_at)
            VALUES (@Id, @PolicySetId, @Version, @ManifestJson, @ManifestSha256, @SchemaVersion, @CreatedBy, @CreatedViaOperator, @CreatedAt)
            """,
            version);

    /// <summary>Makes one version the only active one of its zone; false when the set has no binding.</summary>
    public static async Task<bool> ActivateAsync(Work work, string zoneId, string policySetId, string versionId, DateTimeOffset now)
    {
        await work.Connection.ExecuteAsync(
            """
            UPDATE policy_set_bindings SET active_version_id = NULL, updated_at = @now
            WHERE zone_id = @zoneId AND policy_set_id <> @policySetId AND active_version_id IS NOT NULL
            """,
            new { zoneId, policySetId, now });
        return await work.Connection.ExecuteAsync(
            """
            UPDATE policy_set_bindings SET active_version_id = @versionId, updated_at = @now
            WHERE zone_id = @zoneId AND policy_set_id = @policySetId
            """,
            new { zoneId, policySetId, versionId, now }) > 0;
    }

    public static async Task<bool> ArchiveAsync(Work work, string zoneId, string id, string actor, DateTimeOffset now)
    {
        await work.Connection.ExecuteAsync(
            "UPDATE policy_set_bindings SET active_version_id = NULL, updated_at = @now WHERE zone_id = @zoneId AND policy_set_id = @id",
            new { zoneId, id, now });
        return await work.Connection.ExecuteAsync(
            """
            UPDATE policy_sets SET archived_at = @now, updated_at = @now, updated_by = @actor
            WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL
            """,
            new { zoneId, id, actor, now }) > 0;
    }

    /// <summary>Null when the set has no binding row; the active version is null when nothing is active.</summary>
    public static Task<PolicySetBinding?> FindBindingAsync(DbConnection connection, string zoneId, string policySetId) =>
        connection.QuerySingleOrDefaultAsync<PolicySetBinding>(
            "SELECT active_version_id FROM policy_set_bindings WHERE zone_id = @zoneId AND policy_set_id = @policySetId",
            new { zoneId, policySetId });
}

/// <summary>What a set has active.</summary>
public sealed record PolicySetBinding
{
    public string? ActiveVersionId { get; init; }
}
