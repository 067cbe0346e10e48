using System.Data.Common;
using Caracal.Authority.Invocations;
using Caracal.Storage.Sessions;
using Dapper;

namespace Caracal.Storage.Invocations;

/// <summary>Which invocations a list shows; null members do not filter.</summary>
public sealed record InvocationFilter
{
    public string? Status { get; init; }
    public string? ServiceId { get; init; }

    /// <summary>Source or target.</summary>
    public string? SessionId { get; init; }

    /// <summary>Only those whose service, source or target is of this application.</summary>
    public string? PartyApplicationId { get; init; }
}

/// <summary>Table <c>agent_invocations</c>, owned by the Coordinator (coordinator.md 4).</summary>
public sealed class InvocationStore
{
    private const string Columns =
        """
        id, zone_id, service_id, source_session_id, target_session_id, method, params_json, metadata_json, status, attempts,
        max_attempts, timeout_ms, retry_policy_json, error_json, deadline_at, cancel_requested_at, started_at, completed_at,
        created_at, updated_at
        """;

    private static readonly string Select =
        $"""
         SELECT {string.Join(", ", Columns.Split(',', StringSplitOptions.TrimEntries).Select(column => "i." + column))},
             v.application_id AS service_application_id, a.application_id AS source_application_id,
             b.application_id AS target_application_id
         FROM agent_invocations i JOIN agent_services v ON v.id = i.service_id
             LEFT JOIN sessions a ON a.id = i.source_session_id LEFT JOIN sessions b ON b.id = i.target_session_id
         """;

    public Task<Invocation?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<Invocation?>($"{Select} WHERE i.zone_id = @zoneId AND i.id = @id", new { zoneId, id });

    public Task InsertAsync(Work work, Invocation invocation) =>
        work.Connection.ExecuteAsync(
            $"""
             INSERT INTO agent_invocations ({Columns})
             VALUES (@Id, @ZoneId, @ServiceId, @SourceSessionId, @TargetSessionId, @Method, @Params, @Metadata, @Status, @Attempts,
                 @MaxAttempts, @TimeoutMs, @RetryPolicy, @Error, @DeadlineAt, @CancelRequestedAt, @StartedAt, @CompletedAt,
                 @CreatedAt, @UpdatedAt)
             """,
            Parameters(invocation));

    /// <summary>Writes a step; false when the row has left <paramref name="from"/> in between.</summary>
    public async Task<bool> UpdateAsync(Work work, Invocation from, Invocation to) =>
        await work.Connection.ExecuteAsync(
            """
            UPDATE agent_invocations SET status = @Status, attempts = @Attempts, metadata_json = @Metadata, error_json = @Error,
                deadline_at = @DeadlineAt, cancel_requested_at = @CancelRequestedAt, started_at = @StartedAt,
                completed_at = @CompletedAt, updated_at = @UpdatedAt
            WHERE id = @Id AND status = @fromStatus AND attempts = @fromAttempts
            """,
            Parameters(to, from)) == 1;

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<Invocation>> ListAsync(DbConnection connection, string zoneId, InvocationFilter filter, PageRequest page)
    {
        var conditions = "i.zone_id = @zoneId"
            + (filter.Status is null ? "" : " AND i.status = @Status")
            + (filter.ServiceId is null ? "" : " AND i.service_id = @ServiceId")
            + (filter.SessionId is null ? "" : " AND (i.source_session_id = @SessionId OR i.target_session_id = @SessionId)")
            + (filter.PartyApplicationId is null ? "" : " AND @PartyApplicationId IN (v.application_id, a.application_id, b.application_id)")
            + (page.Cursor is null ? "" : " AND i.id < @Cursor");
        return (await connection.QueryAsync<Invocation>(
            $"{Select} WHERE {conditions} ORDER BY i.id DESC LIMIT @Limit",
            new { zoneId, filter.Status, filter.ServiceId, filter.SessionId, filter.PartyApplicationId, page.Cursor, page.Limit })).AsList();
    }

    /// <summary>Attempts past their deadline, and what nobody started, of every zone; kept from other sweepers until commit.</summary>
    public async Task<IReadOnlyList<Invocation>> OverdueAsync(Work work, DateTimeOffset now, int limit) =>
        (await work.Connection.QueryAsync<Invocation>(
            $"""
             SELECT {Columns} FROM agent_invocations
             WHERE (status IN ('running', 'cancel_requested') AND deadline_at <= @now)
                OR (status = 'pending' AND created_at <= @created)
             ORDER BY id LIMIT @limit {work.Dialect.ForUpdateSkipLocked}
             """,
            new { now, created = now - InvocationLimits.PendingFor, limit })).AsList();

    /// <summary>Deletes what has ended before the time.</summary>
    public Task<int> DeleteEndedAsync(Work work, DateTimeOffset before, int limit) =>
        work.Connection.ExecuteAsync(
            """
            DELETE FROM agent_invocations WHERE id IN (
                SELECT id FROM agent_invocations WHERE completed_at < @before ORDER BY completed_at LIMIT @limit)
            """,
            new { before, limit });

    /// <summary>Invocations by status, for the gauges.</summary>
    public async Task<IReadOnlyList<(string Status, long Count)>> CountByStatusAsync(DbConnection connection) =>
        (await connection.QueryAsync<(string, long)>("SELECT status, count(*) FROM agent_invocations GROUP BY status")).AsList();

    private static DynamicParameters Parameters(Invocation row, Invocation? from = null)
    {
        var parameters = new DynamicParameters(new
        {
            row.Id,
            row.ZoneId,
            row.ServiceId,
            row.SourceSessionId,
            row.TargetSessionId,
            row.Method,
            Params = new JsonText(row.ParamsJson),
            Metadata = new JsonText(row.MetadataJson),
            row.Status,
            row.Attempts,
            row.MaxAttempts,
            row.TimeoutMs,
            RetryPolicy = new JsonText(row.RetryPolicyJson),
            Error = row.ErrorJson is null ? (JsonText?)null : new JsonText(row.ErrorJson),
            row.DeadlineAt,
            row.CancelRequestedAt,
            row.StartedAt,
            row.CompletedAt,
            row.CreatedAt,
            row.UpdatedAt,
        });
        if (from is not null)
        {
            parameters.Add("fromStatus", from.Status);
            parameters.Add("fromAttempts", from.Attempts);
        }

        return parameters;
    }
}
