using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.NotificationSinks;

/// <summary>A row of <c>notification_sinks</c>; its secret stays sealed.</summary>
public sealed record SinkRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string Name { get; init; } = "";
    public string Url { get; init; } = "";
    public string[] EventTypes { get; init; } = [];
    public bool Active { get; init; }
    public byte[] SecretCt { get; init; } = [];
    public long CursorChainSeq { get; init; }
    public long ConsecutiveFailures { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }
    public DateTimeOffset? LastFailureAt { get; init; }
    public string? LastError { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Table <c>notification_sinks</c> (api.md 11.7).</summary>
public static class SinkStore
{
    private const string Select =
        """
        SELECT id, zone_id, name, url, event_types, active, secret_ct, cursor_chain_seq, consecutive_failures, last_success_at,
               last_failure_at, last_error, created_at, updated_at FROM notification_sinks
        """;

    public static Task<IReadOnlyList<SinkRow>> ListAsync(DbConnection connection, string zoneId, PageQuery page) =>
        new Filter().AndEqual("zone_id", "zoneId", zoneId).PageAsync<SinkRow>(connection, Select, page);

    public static Task<SinkRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<SinkRow?>($"{Select} WHERE zone_id = @zoneId AND id = @id", new { zoneId, id });

    public static Task<long> CountAsync(Work work, string zoneId) =>
        work.Connection.ExecuteScalarAsync<long>("SELECT count(*) FROM notification_sinks WHERE zone_id = @zoneId", new { zoneId });

    /// <summary>Stores a sink that hears of what happens from now on.</summary>
    public static Task InsertAsync(Work work, SinkRow sink) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO notification_sinks (id, zone_id, name, url, secret_ct, event_types, active, cursor_chain_seq, created_at, updated_at)
            VALUES (@Id, @ZoneId, @Name, @Url, @SecretCt, @EventTypes, @Active,
                    (SELECT coalesce(max(chain_seq), 0) FROM audit_events WHERE zone_id = @ZoneId), @CreatedAt, @UpdatedAt)
            """,
            sink);

    /// <summary>Stores what may change; <paramref name="skip"/> lets go of what happened while the sink was off.</summary>
    public static Task UpdateAsync(Work work, SinkRow sink, bool skip) =>
        work.Connection.ExecuteAsync(
            $"""
             UPDATE notification_sinks SET name = @Name, url = @Url, event_types = @EventTypes, active = @Active, secret_ct = @SecretCt,
                 consecutive_failures = @ConsecutiveFailures, last_error = @LastError, updated_at = @UpdatedAt
                 {(skip ? ", cursor_chain_seq = (SELECT coalesce(max(chain_seq), 0) FROM audit_events WHERE zone_id = @ZoneId)" : "")}
             WHERE zone_id = @ZoneId AND id = @Id
             """,
            sink);

    public static async Task<bool> DeleteAsync(Work work, string zoneId, string id) =>
        await work.Connection.ExecuteAsync("DELETE FROM notification_sinks WHERE zone_id = @zoneId AND id = @id", new { zoneId, id }) > 0;

    /// <summary>Every sink that is switched on, in all zones.</summary>
    public static async Task<IReadOnlyList<SinkRow>> ListActiveAsync(Work work) =>
        (await work.Connection.QueryAsync<SinkRow>($"{Select} WHERE active = {(work.Dialect.Name == "sqlite" ? "1" : "true")} ORDER BY id")).AsList();

    public static Task NoteSuccessAsync(Work work, string id, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            "UPDATE notification_sinks SET consecutive_failures = 0, last_success_at = @now, last_error = NULL WHERE id = @id", new { id, now });

    public static Task NoteFailureAsync(Work work, string id, string error, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE notification_sinks SET consecutive_failures = consecutive_failures + 1, last_failure_at = @now, last_error = @error
            WHERE id = @id
            """,
            new { id, error, now });
}
