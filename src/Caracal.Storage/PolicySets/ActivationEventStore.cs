using System.Data.Common;
using Dapper;

namespace Caracal.Storage.PolicySets;

/// <summary>The outbox row that announces an activation.</summary>
public sealed record ActivationEventRow
{
    public string Id { get; init; } = "";
    public long Attempts { get; init; }
    public string? LastError { get; init; }
    public DateTimeOffset? DispatchedAt { get; init; }
    public DateTimeOffset AvailableAt { get; init; }
    public string StreamName { get; init; } = "";
    public string? ZoneId { get; init; }
    public string? PolicySetId { get; init; }
    public string? PolicySetVersionId { get; init; }

    /// <summary>Parked for ever after too many attempts (storage.md 5).</summary>
    public bool IsDead => DispatchedAt is null && AvailableAt.Year >= 9999;
}

/// <summary>Reads of <c>event_outbox</c> for activation status and readiness (api.md 10, 14).</summary>
public static class ActivationEventStore
{
    public static Task<ActivationEventRow?> FindAsync(DbConnection connection, ISqlDialect dialect, string id) =>
        connection.QuerySingleOrDefaultAsync<ActivationEventRow>($"{Select(dialect)} WHERE id = @id", new { id });

    /// <summary>The newest announcement of this activation.</summary>
    public static Task<ActivationEventRow?> FindNewestAsync(
        DbConnection connection, ISqlDialect dialect, string stream, string zoneId, string policySetId, string versionId) =>
        connection.QueryFirstOrDefaultAsync<ActivationEventRow>(
            $"""
             {Select(dialect)} WHERE stream_name = @stream AND {dialect.JsonText("payload_json", "zone_id")} = @zoneId
               AND {dialect.JsonText("payload_json", "policy_set_id")} = @policySetId
               AND {dialect.JsonText("payload_json", "policy_set_version_id")} = @versionId
             ORDER BY created_at DESC, id DESC LIMIT 1
             """,
            new { stream, zoneId, policySetId, versionId });

    private static string Select(ISqlDialect dialect) =>
        $"""
         SELECT id, attempts, last_error, dispatched_at, available_at, stream_name,
                {dialect.JsonText("payload_json", "zone_id")} AS zone_id,
                {dialect.JsonText("payload_json", "policy_set_id")} AS policy_set_id,
                {dialect.JsonText("payload_json", "policy_set_version_id")} AS policy_set_version_id FROM event_outbox
         """;
}
