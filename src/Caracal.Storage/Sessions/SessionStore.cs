using System.Data.Common;
using Caracal.Authority.Sessions;
using Dapper;

namespace Caracal.Storage.Sessions;

/// <summary>Tables <c>sessions</c> and <c>agent_topology</c>, owned by the Coordinator (coordinator.md 4).</summary>
/// <param name="dialect">What the engine says its own way.</param>
public sealed class SessionStore(ISqlDialect dialect)
{
    internal const string Columns =
        """
        id, zone_id, application_id, parent_id, subject_authority_record_id, status, depth, labels, max_children,
        child_count, started_at, last_active_at, terminated_at, ttl_seconds, metadata_json, updated_at, lifecycle,
        last_heartbeat_at, heartbeat_deadline_at, termination_reason, lease_generation
        """;

    private readonly string _heldSlots =
        $"""
         SELECT count(*) AS zone_sessions, coalesce(sum(CASE WHEN application_id = @applicationId THEN 1 ELSE 0 END), 0) AS application_sessions
         FROM sessions
         WHERE zone_id = @zoneId AND status IN ('active', 'suspended')
           AND ((lifecycle = 'task' AND {dialect.AddSeconds("started_at", "ttl_seconds")} > @now)
             OR (lifecycle = 'service' AND (status = 'suspended' OR heartbeat_deadline_at > @now)))
         """;

    private readonly string _expiredTasks =
        $"""
         SELECT {Columns} FROM sessions
         WHERE status IN ('active', 'suspended') AND lifecycle = 'task' AND started_at < @now
           AND {dialect.AddSeconds("started_at", "ttl_seconds")} <= @now
         ORDER BY started_at, id LIMIT @limit
         """;

    /// <summary>Fails unless the table has the columns this build needs.</summary>
    public static async Task<bool> ProbeAsync(DbConnection connection)
    {
        await connection.QueryAsync<Session>($"SELECT {Columns} FROM sessions WHERE 1 = 0");
        return true;
    }

    public Task<Session?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<Session?>(
            $"SELECT {Columns} FROM sessions WHERE zone_id = @zoneId AND id = @id", new { zoneId, id });

    /// <summary>
    /// How many Sessions are open, in the zone and of the application. Every Session that holds a slot is open, so below a
    /// limit this answers without counting; at it, ask <see cref="CountSlotsAsync"/>, which leaves out those whose time is over.
    /// </summary>
    public async Task<(int Zone, int Application)> CountOpenAsync(DbConnection connection, string zoneId, string applicationId)
    {
        var (zone, application) = await connection.QuerySingleAsync<(long, long)>(
            """
            SELECT coalesce(max(CASE WHEN application_id = '' THEN held END), 0) AS zone_sessions,
                   coalesce(max(CASE WHEN application_id = @applicationId THEN held END), 0) AS application_sessions
            FROM open_sessions WHERE zone_id = @zoneId AND application_id IN ('', @applicationId)
            """,
            new { zoneId, applicationId });
        return ((int)zone, (int)application);
    }

    /// <summary>How many Sessions hold a slot, in the zone and of the application (coordinator.md 5).</summary>
    public async Task<(int Zone, int Application)> CountSlotsAsync(DbConnection connection, string zoneId, string applicationId, DateTimeOffset now)
    {
        var (zone, application) = await connection.QuerySingleAsync<(long, long)>(_heldSlots, new { zoneId, applicationId, now });
        return ((int)zone, (int)application);
    }

    /// <summary>Newest first; one row more than the limit is never read, a full page has a next one.</summary>
    public async Task<IReadOnlyList<Session>> ListAsync(DbConnection connection, string zoneId, SessionFilter filter, PageRequest page)
    {
        var conditions = new List<string> { "zone_id = @zoneId" };
        Add(filter.Status is not null, "status = @Status");
        Add(filter.Lifecycle is not null, "lifecycle = @Lifecycle");
        Add(filter.ApplicationId is not null, "application_id = @ApplicationId");
        Add(filter.Label is not null, dialect.ArrayContains("labels", "@Label"));
        Add(filter.ParentId is not null, "parent_id = @ParentId");
        Add(page.Cursor is not null, "id < @Cursor");
        var rows = await connection.QueryAsync<Session>(
            $"SELECT {Columns} FROM sessions WHERE {string.Join(" AND ", conditions)} ORDER BY id DESC LIMIT @Limit",
            new { zoneId, filter.Status, filter.Lifecycle, filter.ApplicationId, filter.Label, filter.ParentId, page.Cursor, page.Limit });
        return rows.AsList();

        void Add(bool wanted, string condition)
        {
            if (wanted)
            {
                conditions.Add(condition);
            }
        }
    }

    public Task<bool> ExistsAsync(DbConnection connection, string zoneId, string id) =>
        connection.ExecuteScalarAsync<bool>(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE zone_id = @zoneId AND id = @id)", new { zoneId, id });

    public async Task InsertAsync(Work work, Session session)
    {
        await work.Connection.ExecuteAsync(
            $"""
             INSERT INTO sessions ({Columns})
             VALUES (@Id, @ZoneId, @ApplicationId, @ParentId, @SubjectAuthorityRecordId, @Status, @Depth, @Labels, @MaxChildren,
                 @ChildCount, @StartedAt, @LastActiveAt, @TerminatedAt, @TtlSeconds, @Metadata, @UpdatedAt, @Lifecycle,
                 @LastHeartbeatAt, @HeartbeatDeadlineAt, @TerminationReason, @LeaseGeneration)
             """,
            new
            {
                session.Id,
                session.ZoneId,
                session.ApplicationId,
                session.ParentId,
                session.SubjectAuthorityRecordId,
                session.Status,
                session.Depth,
                session.Labels,
                session.MaxChildren,
                session.ChildCount,
                session.StartedAt,
                session.LastActiveAt,
                session.TerminatedAt,
                session.TtlSeconds,
                Metadata = new JsonText(session.MetadataJson),
                session.UpdatedAt,
                session.Lifecycle,
                session.LastHeartbeatAt,
                session.HeartbeatDeadlineAt,
                session.TerminationReason,
                session.LeaseGeneration,
            });
        if (session.ParentId is { } parentId)
        {
            await work.Connection.ExecuteAsync(
                "INSERT INTO agent_topology (parent_id, child_id) VALUES (@parentId, @Id)", new { parentId, session.Id });
            await work.Connection.ExecuteAsync(
                "UPDATE sessions SET child_count = child_count + 1, updated_at = @StartedAt WHERE id = @parentId",
                new { parentId, session.StartedAt });
        }
    }

    /// <summary>The roots that are open and their descendants reached through open Sessions, in id order, kept still until commit.</summary>
    public async Task<IReadOnlyList<Session>> OpenSubtreeAsync(Work work, string zoneId, IReadOnlyCollection<string> rootIds)
    {
        if (rootIds.Count == 0)
        {
            return [];
        }

        var rows = await work.Connection.QueryAsync<Session>(
            $"""
             WITH RECURSIVE tree (id) AS (
                 SELECT id FROM sessions WHERE {dialect.AnyOfBound("id", "@roots")} AND zone_id = @zoneId AND status IN ('active', 'suspended')
                 UNION
                 SELECT s.id FROM sessions s JOIN tree t ON s.parent_id = t.id
                 WHERE s.zone_id = @zoneId AND s.status IN ('active', 'suspended'))
             SELECT {Columns} FROM sessions WHERE id IN (SELECT id FROM tree) ORDER BY id {work.Dialect.ForUpdate}
             """,
            new { zoneId, roots = dialect.ListValue(rootIds) });
        return rows.AsList();
    }

    /// <summary>Writes the ends of a plan and takes the ended children off their surviving parents.</summary>
    public async Task EndAsync(Work work, EndPlan plan, DateTimeOffset now)
    {
        foreach (var alike in plan.Ends.GroupBy(end => (end.Status, end.Reason)))
        {
            await work.Connection.ExecuteAsync(
                $"""
                 UPDATE sessions SET status = @Status, terminated_at = @now, termination_reason = @Reason, updated_at = @now
                 WHERE {dialect.AnyOfBound("id", "@ids")}
                 """,
                new { alike.Key.Status, alike.Key.Reason, ids = dialect.ListValue([.. alike.Select(end => end.Session.Id)]), now });
        }

        foreach (var (parentId, lost) in plan.ChildrenLost.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            await work.Connection.ExecuteAsync(
                """
                UPDATE sessions SET child_count = CASE WHEN child_count > @lost THEN child_count - @lost ELSE 0 END, updated_at = @now
                WHERE id = @parentId AND status IN ('active', 'suspended')
                """,
                new { parentId, lost, now });
        }
    }

    /// <summary>Pauses or resumes one Session; a resumed service starts with <paramref name="freshDeadline"/>.</summary>
    public Task SetStatusAsync(Work work, string id, string status, DateTimeOffset? freshDeadline, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            freshDeadline is null
                ? "UPDATE sessions SET status = @status, updated_at = @now WHERE id = @id"
                : """
                  UPDATE sessions SET status = @status, heartbeat_deadline_at = @freshDeadline, updated_at = @now
                  WHERE id = @id
                  """,
            new { id, status, freshDeadline, now });

    /// <summary>Open tasks whose TTL has passed, of every zone.</summary>
    public async Task<IReadOnlyList<Session>> ExpiredTasksAsync(DbConnection connection, DateTimeOffset now, int limit) =>
        (await connection.QueryAsync<Session>(_expiredTasks, new { now, limit })).AsList();

    /// <summary>Active services past their lease, of every zone.</summary>
    public async Task<IReadOnlyList<Session>> LapsedServicesAsync(DbConnection connection, DateTimeOffset now, int limit) =>
        (await connection.QueryAsync<Session>(
            $"""
             SELECT {Columns} FROM sessions
             WHERE status = 'active' AND lifecycle = 'service' AND heartbeat_deadline_at <= @now ORDER BY id LIMIT @limit
             """,
            new { now, limit })).AsList();

    /// <summary>Of the given records, those that still back an open Session.</summary>
    public async Task<IReadOnlySet<string>> RecordsInUseAsync(DbConnection connection, string zoneId, IReadOnlyCollection<string> recordIds)
    {
        var inUse = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in recordIds)
        {
            if (await connection.ExecuteScalarAsync<bool>(
                """
                SELECT EXISTS (SELECT 1 FROM sessions
                               WHERE subject_authority_record_id = @record AND zone_id = @zoneId AND status IN ('active', 'suspended'))
                """,
                new { record, zoneId }))
            {
                inUse.Add(record);
            }
        }

        return inUse;
    }

    /// <summary>
    /// Deletes ended, childless Sessions past retention that no kept edge names: the holder of an expired edge must
    /// never look like a root (coordinator.md 13).
    /// </summary>
    public Task<int> DeleteEndedAsync(Work work, DateTimeOffset before, int limit) =>
        work.Connection.ExecuteAsync(
            """
            DELETE FROM sessions WHERE id IN (
                SELECT s.id FROM sessions s
                WHERE s.terminated_at < @before
                  AND NOT EXISTS (SELECT 1 FROM sessions c WHERE c.zone_id = s.zone_id AND c.parent_id = s.id)
                  AND NOT EXISTS (SELECT 1 FROM delegation_edges e WHERE e.source_session_id = s.id)
                  AND NOT EXISTS (SELECT 1 FROM delegation_edges e WHERE e.target_session_id = s.id)
                ORDER BY s.terminated_at, s.id LIMIT @limit)
            """,
            new { before, limit });

    /// <summary>Sessions by status, for the gauges.</summary>
    public async Task<IReadOnlyList<(string Status, long Count)>> CountByStatusAsync(DbConnection connection) =>
        (await connection.QueryAsync<(string, long)>("SELECT status, count(*) FROM sessions GROUP BY status")).AsList();
}
