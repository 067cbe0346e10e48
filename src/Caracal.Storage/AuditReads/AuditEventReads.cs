using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.AuditReads;

/// <summary>A ledger row as the management API shows it.</summary>
public sealed record AuditEventRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string? EventType { get; init; }
    public string? RequestId { get; init; }
    public string? Decision { get; init; }
    public string? PolicySetId { get; init; }
    public string? PolicySetVersionId { get; init; }
    public string? ManifestSha { get; init; }
    public string? EvaluationStatus { get; init; }
    public JsonText? DeterminingPoliciesJson { get; init; }
    public JsonText? DiagnosticsJson { get; init; }
    public JsonText? MetadataJson { get; init; }
    public DateTimeOffset OccurredAt { get; init; }
    public DateTimeOffset IngestedAt { get; init; }
}

/// <summary>What an audit list is narrowed to; the last four look into the metadata.</summary>
public sealed record AuditEventFilter
{
    public DateTimeOffset? Since { get; init; }
    public DateTimeOffset? Until { get; init; }
    public string? RequestId { get; init; }
    public string? Decision { get; init; }
    public IReadOnlyList<string> EventTypes { get; init; } = [];
    public string? ApplicationId { get; init; }
    public string? SessionId { get; init; }
    public string? AuthorityRecordId { get; init; }
    public string? Label { get; init; }
}

/// <summary>The API's reads of <c>audit_events</c> (api.md 11.8); it may never write there.</summary>
public static class AuditEventReads
{
    private const string Select =
        """
        SELECT id, zone_id, event_type, request_id, decision, policy_set_id, policy_set_version_id, manifest_sha, evaluation_status,
               determining_policies_json, diagnostics_json, metadata_json, occurred_at, ingested_at FROM audit_events
        """;

    public static Task<IReadOnlyList<AuditEventRow>> ListAsync(
        DbConnection connection, ISqlDialect dialect, string zoneId, AuditEventFilter filter, PageQuery page)
    {
        var conditions = new Filter().AndEqual("zone_id", "zoneId", zoneId);
        if (filter.Since is { } since) conditions.And("occurred_at >= @since", "since", since);
        if (filter.Until is { } until) conditions.And("occurred_at < @until", "until", until);
        if (filter.EventTypes.Count > 0) conditions.And(dialect.AnyOf("event_type", "@eventTypes"), "eventTypes", filter.EventTypes.ToList());
        if (filter.Decision is not (null or "allow")) conditions.And("decision <> 'allow'"); // the index over what is rare
        if (filter.Label is { } label) conditions.And(dialect.JsonArrayContains("metadata_json", "agent_labels", "@label"), "label", label);
        return conditions
            .AndEqual("request_id", "requestId", filter.RequestId)
            .AndEqual("decision", "decision", filter.Decision)
            .AndEqual(dialect.JsonText("metadata_json", "application_id"), "applicationId", filter.ApplicationId)
            .AndEqual(dialect.EventMember("agent_session_id"), "sessionId", filter.SessionId)
            .AndEqual(dialect.EventMember("session_id"), "authorityRecordId", filter.AuthorityRecordId)
            .PageAsync<AuditEventRow>(connection, Select, page, "occurred_at");
    }

    /// <summary>Everything one request left, oldest first.</summary>
    public static async Task<IReadOnlyList<AuditEventRow>> ListByRequestAsync(DbConnection connection, string zoneId, string requestId) =>
        (await connection.QueryAsync<AuditEventRow>(
            $"{Select} WHERE zone_id = @zoneId AND request_id = @requestId ORDER BY occurred_at, chain_seq LIMIT 1000",
            new { zoneId, requestId })).AsList();
}
