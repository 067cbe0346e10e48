using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.AuditReads;

/// <summary>A governed session as the management API shows it.</summary>
public sealed record SessionListRow
{
    public string Id { get; init; } = "";
    public string ApplicationId { get; init; } = "";
    public string? ParentId { get; init; }
    public string Status { get; init; } = "";
    public string Lifecycle { get; init; } = "";
    public string[] Labels { get; init; } = [];
    public long Depth { get; init; }
    public long ChildCount { get; init; }
    public string SubjectAuthorityRecordId { get; init; } = "";
    public string? SubjectId { get; init; }
    public string? FederatedUserId { get; init; }
    public string? FederatedUserIssuer { get; init; }
    public DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset? LastActiveAt { get; init; }
    public DateTimeOffset? TerminatedAt { get; init; }
    public string? TerminationReason { get; init; }
    public long? TtlSeconds { get; init; }
}

/// <summary>What a session list is narrowed to.</summary>
public sealed record SessionListFilter(
    string? Status, string? Lifecycle, string? ApplicationId, string? ParentSessionId, string? SubjectId, string? Label);

/// <summary>The API's reads of <c>sessions</c> (api.md 11.5); the Coordinator owns the table.</summary>
public static class SessionReads
{
    public static Task<IReadOnlyList<SessionListRow>> ListAsync(
        DbConnection connection, ISqlDialect dialect, string zoneId, SessionListFilter filter, PageQuery page)
    {
        var conditions = new Filter()
            .AndEqual("s.zone_id", "zoneId", zoneId)
            .AndEqual("s.status", "status", filter.Status)
            .AndEqual("s.lifecycle", "lifecycle", filter.Lifecycle)
            .AndEqual("s.application_id", "applicationId", filter.ApplicationId)
            .AndEqual("s.parent_id", "parentId", filter.ParentSessionId)
            .AndEqual("r.subject_id", "subjectId", filter.SubjectId);
        if (filter.Label is { } label) conditions.And(dialect.ArrayContains("s.labels", "@label"), "label", label);
        return conditions.PageAsync<SessionListRow>(
            connection,
            $"""
             SELECT s.id, s.application_id, s.parent_id, s.status, s.lifecycle, s.labels, s.depth, s.child_count,
                    s.subject_authority_record_id, r.subject_id,
                    CASE WHEN r.session_type = 'user' THEN r.subject_id END AS federated_user_id,
                    CASE WHEN r.session_type = 'user' THEN {dialect.JsonText("r.claims_json", "federated_user_issuer")} END AS federated_user_issuer,
                    s.started_at, s.last_active_at, s.terminated_at, s.termination_reason, s.ttl_seconds
             FROM sessions s LEFT JOIN authority_records r ON r.id = s.subject_authority_record_id
             """,
            page,
            "s.started_at",
            "s.id");
    }
}
