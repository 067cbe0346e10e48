using System.Data.Common;
using Dapper;

namespace Caracal.Storage.AuditReads;

/// <summary>A policy decision of the ledger, as a replay needs it.</summary>
public sealed record RecordedDecision
{
    public string Id { get; init; } = "";
    public string? RequestId { get; init; }
    public string Decision { get; init; } = "";
    public string? PolicySetVersionId { get; init; }
    public JsonText MetadataJson { get; init; }
    public DateTimeOffset OccurredAt { get; init; }
    public long ChainSeq { get; init; }

    /// <summary>What policy saw beyond the metadata, as it was recorded; null when it is no longer kept, or never was.</summary>
    public string? Input { get; init; }
}

/// <summary>Decisions that policy took about token exchanges, newest first; refusals that never came to policy are not among them.</summary>
public static class RecordedDecisions
{
    private const string Where =
        """
        WHERE zone_id = @zoneId AND event_type = 'token_exchange' AND evaluation_status = 'complete' AND decision IN ('allow', 'deny')
          AND occurred_at >= @since AND occurred_at < @until
        """;

    public static Task<long> CountAsync(DbConnection connection, string zoneId, DateTimeOffset since, DateTimeOffset until, long most) =>
        connection.ExecuteScalarAsync<long>(
            $"SELECT count(*) FROM (SELECT 1 FROM audit_events {Where} LIMIT @most) AS found", new { zoneId, since, until, most });

    public static async Task<IReadOnlyList<RecordedDecision>> PageAsync(
        DbConnection connection, string zoneId, DateTimeOffset since, DateTimeOffset until, long before, int limit) =>
        (await connection.QueryAsync<RecordedDecision>(
            $"""
             SELECT e.*, i.input FROM (
                 SELECT id, request_id, decision, policy_set_version_id, metadata_json, occurred_at, chain_seq FROM audit_events
                 {Where} AND chain_seq < @before ORDER BY chain_seq DESC LIMIT @limit) AS e
             LEFT JOIN policy_inputs i ON i.zone_id = @zoneId AND i.chain_seq = e.chain_seq ORDER BY e.chain_seq DESC
             """,
            new { zoneId, since, until, before, limit })).AsList();

    /// <summary>The zone's resources as they are now: identifier, id, scopes.</summary>
    public static async Task<IReadOnlyList<KnownResource>> ResourcesAsync(DbConnection connection, string zoneId) =>
        (await connection.QueryAsync<KnownResource>(
            "SELECT id, identifier, scopes FROM resources WHERE zone_id = @zoneId AND archived_at IS NULL", new { zoneId })).AsList();
}

/// <summary>A resource as policy input names it.</summary>
public sealed record KnownResource
{
    public string Id { get; init; } = "";
    public string Identifier { get; init; } = "";
    public string[] Scopes { get; init; } = [];
}
