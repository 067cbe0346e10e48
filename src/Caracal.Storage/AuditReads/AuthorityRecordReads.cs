using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.AuditReads;

/// <summary>An authority record as the management API shows it.</summary>
public sealed record AuthorityRecordListRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string SessionType { get; init; } = "";
    public string SubjectId { get; init; } = "";
    public string? FederatedUserIssuer { get; init; }
    public string? ParentId { get; init; }
    public string Status { get; init; } = "";
    public DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset AuthenticatedAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    public string? RevokedReason { get; init; }
}

/// <summary>The API's reads of <c>authority_records</c> (api.md 11.5).</summary>
public static class AuthorityRecordReads
{
    public static Task<IReadOnlyList<AuthorityRecordListRow>> ListAsync(
        DbConnection connection, ISqlDialect dialect, string zoneId, string? id, string? status, string? subjectId, string? kind, PageQuery page) =>
        new Filter()
            .AndEqual("zone_id", "zoneId", zoneId)
            .AndEqual("id", "id", id)
            .AndEqual("status", "status", status)
            .AndEqual("subject_id", "subjectId", subjectId)
            .AndEqual("session_type", "kind", kind)
            .PageAsync<AuthorityRecordListRow>(
                connection,
                $"""
                 SELECT id, zone_id, session_type, subject_id,
                        CASE WHEN session_type = 'user' THEN {dialect.JsonText("claims_json", "federated_user_issuer")} END AS federated_user_issuer,
                        parent_id, status, expires_at, authenticated_at, created_at, revoked_at, revoked_reason FROM authority_records
                 """,
                page);
}
