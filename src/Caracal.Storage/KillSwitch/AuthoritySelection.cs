using System.Text;
using Dapper;

namespace Caracal.Storage.KillSwitch;

/// <summary>Live authority an operator describes instead of naming it; what is given must all hold.</summary>
public sealed record AuthorityFilter
{
    public IReadOnlyList<string> SubjectIds { get; init; } = [];
    public IReadOnlyList<string> ApplicationIds { get; init; } = [];
    public string? Label { get; init; }
    public string? Lifecycle { get; init; }
    public DateTimeOffset? StartedAfter { get; init; }
    public DateTimeOffset? StartedBefore { get; init; }

    /// <summary>A label or a life cycle belongs to a governed session: then records are left to those who still use them.</summary>
    public bool SessionsOnly => Label is not null || Lifecycle is not null;

    public bool IsEmpty =>
        SubjectIds.Count == 0 && ApplicationIds.Count == 0 && !SessionsOnly && StartedAfter is null && StartedBefore is null;
}

/// <summary>Finds the roots of what a filter describes; the kill switch follows them down from there.</summary>
public static class AuthoritySelection
{
    public static async Task<AuthorityRoots> FindAsync(Work work, string zoneId, AuthorityFilter filter)
    {
        var parameters = new DynamicParameters(new
        {
            zoneId,
            subjects = filter.SubjectIds.ToList(),
            applications = filter.ApplicationIds.ToList(),
            label = filter.Label,
            lifecycle = filter.Lifecycle,
            after = filter.StartedAfter,
            before = filter.StartedBefore,
        });
        var sessions = await work.Connection.QueryAsync<string>(
            $"""
             SELECT s.id FROM sessions s LEFT JOIN authority_records r ON r.id = s.subject_authority_record_id
             WHERE s.zone_id = @zoneId AND s.status IN ('active', 'suspended'){SessionConditions(work.Dialect, filter)}
             """,
            parameters);
        var records = filter.SessionsOnly
            ? []
            : await work.Connection.QueryAsync<string>(
                $"SELECT id FROM authority_records WHERE zone_id = @zoneId AND status = 'active'{RecordConditions(work.Dialect, filter)}", parameters);
        return new AuthorityRoots(records.AsList(), sessions.AsList(), []);
    }

    /// <summary>A live session by its id; none when there is none.</summary>
    public static async Task<IReadOnlyList<string>> SessionAsync(Work work, string zoneId, string id) =>
        (await work.Connection.QueryAsync<string>(
            "SELECT id FROM sessions WHERE zone_id = @zoneId AND id = @id", new { zoneId, id })).AsList();

    /// <summary>An authority record by its id; none when there is none.</summary>
    public static async Task<IReadOnlyList<string>> RecordAsync(Work work, string zoneId, string id) =>
        (await work.Connection.QueryAsync<string>(
            "SELECT id FROM authority_records WHERE zone_id = @zoneId AND id = @id", new { zoneId, id })).AsList();

    /// <summary>A delegation by its id; none when there is none.</summary>
    public static async Task<IReadOnlyList<string>> DelegationAsync(Work work, string zoneId, string id) =>
        (await work.Connection.QueryAsync<string>(
            "SELECT id FROM delegation_edges WHERE zone_id = @zoneId AND id = @id", new { zoneId, id })).AsList();

    private static string SessionConditions(ISqlDialect dialect, AuthorityFilter filter)
    {
        var conditions = new StringBuilder();
        if (filter.SubjectIds.Count > 0) conditions.Append(" AND ").Append(dialect.AnyOf("r.subject_id", "@subjects"));
        if (filter.ApplicationIds.Count > 0) conditions.Append(" AND ").Append(dialect.AnyOf("s.application_id", "@applications"));
        if (filter.Label is not null) conditions.Append(" AND ").Append(dialect.ArrayContains("s.labels", "@label"));
        if (filter.Lifecycle is not null) conditions.Append(" AND s.lifecycle = @lifecycle");
        if (filter.StartedAfter is not null) conditions.Append(" AND s.started_at >= @after");
        if (filter.StartedBefore is not null) conditions.Append(" AND s.started_at < @before");
        return conditions.ToString();
    }

    // The record of an application is the one made for it; records of users that its sessions ride on end with their subject.
    private static string RecordConditions(ISqlDialect dialect, AuthorityFilter filter)
    {
        var conditions = new StringBuilder();
        if (filter.SubjectIds.Count > 0) conditions.Append(" AND ").Append(dialect.AnyOf("subject_id", "@subjects"));
        if (filter.ApplicationIds.Count > 0) conditions.Append(" AND session_type = 'application' AND ").Append(dialect.AnyOf("subject_id", "@applications"));
        if (filter.StartedAfter is not null) conditions.Append(" AND created_at >= @after");
        if (filter.StartedBefore is not null) conditions.Append(" AND created_at < @before");
        return conditions.ToString();
    }
}
