using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.Subjects;

/// <summary>A subject as the zone has seen it: what its authority records add up to.</summary>
public sealed record SubjectRow
{
    public string SubjectId { get; init; } = "";
    public bool Federated { get; init; }
    public string? ApplicationName { get; init; }
    public long TotalSessions { get; init; }
    public long ActiveSessions { get; init; }
    public long RevokedSessions { get; init; }
    public DateTimeOffset FirstSeen { get; init; }
    public DateTimeOffset LastSeen { get; init; }
    public DateTimeOffset? LastRevokedAt { get; init; }
    public string? Issuer { get; init; }
}

/// <summary>Numbers of a subject's governed sessions and holds.</summary>
public sealed record SubjectFigures(long ActiveSessions, long TotalSessions, long PendingApprovals, long TotalApprovals);

/// <summary>The API's reads over subjects (api.md 11.4). A subject has no table: it is who records were made for.</summary>
public static class SubjectReads
{
    /// <summary>One page, last seen first.</summary>
    /// <param name="connection">Where to read.</param>
    /// <param name="dialect">Of the engine.</param>
    /// <param name="zoneId">The zone.</param>
    /// <param name="kind"><c>user</c>, <c>application</c> or null for both.</param>
    /// <param name="search">A part of the id or of the application's name, any case; null for all.</param>
    /// <param name="now">Before which a record has expired.</param>
    /// <param name="page">Which page.</param>
    public static async Task<IReadOnlyList<SubjectRow>> ListAsync(
        DbConnection connection, ISqlDialect dialect, string zoneId, string? kind, string? search, DateTimeOffset now, PageQuery page)
    {
        var parameters = new DynamicParameters(new { zoneId, kind, now, afterTime = page.After.Time, afterId = page.After.Id, limit = page.Limit });
        var conditions = "r.zone_id = @zoneId";
        if (kind is not null) conditions += " AND r.session_type = @kind";
        if (search is not null)
        {
            conditions += @" AND (lower(r.subject_id) LIKE @search ESCAPE '\' OR lower(a.name) LIKE @search ESCAPE '\')";
            parameters.Add("search", $"%{Escaped(search)}%");
        }

        return (await connection.QueryAsync<SubjectRow>(
            $"""
             {Select(dialect)} WHERE {conditions} GROUP BY r.subject_id
             HAVING (max(r.created_at), r.subject_id) < (@afterTime, @afterId)
             ORDER BY max(r.created_at) DESC, r.subject_id DESC LIMIT @limit
             """,
            parameters)).AsList();
    }

    public static Task<SubjectRow?> FindAsync(DbConnection connection, ISqlDialect dialect, string zoneId, string subjectId, DateTimeOffset now) =>
        connection.QuerySingleOrDefaultAsync<SubjectRow?>(
            $"{Select(dialect)} WHERE r.zone_id = @zoneId AND r.subject_id = @subjectId GROUP BY r.subject_id", new { zoneId, subjectId, now });

    public static Task<SubjectFigures> FiguresAsync(DbConnection connection, string zoneId, string subjectId, DateTimeOffset now) =>
        connection.QuerySingleAsync<SubjectFigures>(
            """
            SELECT (SELECT count(*) FROM sessions s JOIN authority_records r ON r.id = s.subject_authority_record_id
                    WHERE s.zone_id = @zoneId AND r.subject_id = @subjectId AND s.status IN ('active', 'suspended')) AS active_sessions,
                   (SELECT count(*) FROM sessions s JOIN authority_records r ON r.id = s.subject_authority_record_id
                    WHERE s.zone_id = @zoneId AND r.subject_id = @subjectId) AS total_sessions,
                   (SELECT count(*) FROM step_up_challenges c WHERE c.zone_id = @zoneId AND c.principal_id = @subjectId
                      AND c.satisfied_at IS NULL AND c.rejected_at IS NULL AND c.consumed_at IS NULL AND c.expires_at > @now) AS pending_approvals,
                   (SELECT count(*) FROM step_up_challenges c WHERE c.zone_id = @zoneId AND c.principal_id = @subjectId) AS total_approvals
            """,
            new { zoneId, subjectId, now });

    private static string Select(ISqlDialect dialect) =>
        $"""
         SELECT r.subject_id, max(CASE WHEN r.session_type = 'user' THEN 1 ELSE 0 END) AS federated, max(a.name) AS application_name,
                count(*) AS total_sessions,
                sum(CASE WHEN r.status = 'active' AND r.expires_at > @now THEN 1 ELSE 0 END) AS active_sessions,
                sum(CASE WHEN r.status = 'revoked' THEN 1 ELSE 0 END) AS revoked_sessions,
                min(r.created_at) AS first_seen, max(r.created_at) AS last_seen, max(r.revoked_at) AS last_revoked_at,
                max(CASE WHEN r.session_type = 'user' THEN {dialect.JsonText("r.claims_json", "federated_user_issuer")} END) AS issuer
         FROM authority_records r LEFT JOIN applications a ON a.zone_id = r.zone_id AND a.id = r.subject_id
         """;

    private static string Escaped(string search) => search.ToLowerInvariant()
        .Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
}
