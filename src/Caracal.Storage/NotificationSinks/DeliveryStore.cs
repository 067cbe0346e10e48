using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.NotificationSinks;

/// <summary>A row of <c>notification_deliveries</c>: one event for one sink.</summary>
public sealed record DeliveryRow
{
    public string Id { get; init; } = "";
    public string SinkId { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string EventId { get; init; } = "";
    public string EventType { get; init; } = "";
    public JsonText PayloadJson { get; init; }
    public long Attempts { get; init; }
    public DateTimeOffset AvailableAt { get; init; }
    public DateTimeOffset? DeliveredAt { get; init; }
    public DateTimeOffset? AbandonedAt { get; init; }
    public long? ResponseStatus { get; init; }
    public string? LastError { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>An event of the ledger that a sink may want.</summary>
public sealed record NotableEvent
{
    public string Id { get; init; } = "";
    public string? EventType { get; init; }
    public string? Decision { get; init; }
    public JsonText? MetadataJson { get; init; }
    public DateTimeOffset OccurredAt { get; init; }
    public long ChainSeq { get; init; }
}

/// <summary>Table <c>notification_deliveries</c> (api.md 11.7).</summary>
public static class DeliveryStore
{
    private const string Select =
        """
        SELECT id, sink_id, zone_id, event_id, event_type, payload_json, attempts, available_at, delivered_at, abandoned_at,
               response_status, last_error, created_at FROM notification_deliveries
        """;

    public static Task<IReadOnlyList<DeliveryRow>> ListAsync(DbConnection connection, string zoneId, string sinkId, PageQuery page) =>
        new Filter().AndEqual("zone_id", "zoneId", zoneId).AndEqual("sink_id", "sinkId", sinkId).PageAsync<DeliveryRow>(connection, Select, page);

    /// <summary>What a sink has not been given yet, oldest first, and how far the zone's ledger reaches.</summary>
    public static async Task<(IReadOnlyList<NotableEvent> Events, long Head)> ReadNewAsync(Work work, SinkRow sink, int limit)
    {
        var head = await work.Connection.ExecuteScalarAsync<long>(
            "SELECT coalesce(max(chain_seq), 0) FROM audit_events WHERE zone_id = @ZoneId", sink);
        if (head <= sink.CursorChainSeq) return ([], head);
        var events = (await work.Connection.QueryAsync<NotableEvent>(
            $"""
             SELECT id, event_type, decision, metadata_json, occurred_at, chain_seq FROM audit_events
             WHERE zone_id = @zoneId AND chain_seq > @after AND chain_seq <= @head AND {work.Dialect.AnyOf("event_type", "@types")}
             ORDER BY chain_seq LIMIT @limit
             """,
            new { zoneId = sink.ZoneId, after = sink.CursorChainSeq, head, types = sink.EventTypes.ToList(), limit })).AsList();
        return (events, head);
    }

    /// <summary>Queues an event for a sink; once, however often it is tried.</summary>
    public static Task AddAsync(Work work, DeliveryRow delivery) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO notification_deliveries (id, sink_id, zone_id, event_id, event_type, payload_json, attempts, available_at, created_at)
            VALUES (@Id, @SinkId, @ZoneId, @EventId, @EventType, @PayloadJson, 0, @AvailableAt, @CreatedAt)
            ON CONFLICT (sink_id, event_id) DO NOTHING
            """,
            delivery);

    public static Task MoveCursorAsync(Work work, string sinkId, long sequence) =>
        work.Connection.ExecuteAsync("UPDATE notification_sinks SET cursor_chain_seq = @sequence WHERE id = @sinkId", new { sinkId, sequence });

    /// <summary>Takes a sink's due deliveries, oldest first, until <paramref name="leaseEnd"/>; each counts as an attempt.</summary>
    public static async Task<IReadOnlyList<DeliveryRow>> ClaimAsync(Work work, string sinkId, int limit, DateTimeOffset now, DateTimeOffset leaseEnd)
    {
        var due = (await work.Connection.QueryAsync<DeliveryRow>(
            $"""
             {Select} WHERE sink_id = @sinkId AND delivered_at IS NULL AND abandoned_at IS NULL AND available_at <= @now
             ORDER BY created_at, id LIMIT @limit {work.Dialect.ForUpdateSkipLocked}
             """,
            new { sinkId, now, limit })).AsList();
        if (due.Count == 0) return due;
        await work.Connection.ExecuteAsync(
            $"UPDATE notification_deliveries SET attempts = attempts + 1, available_at = @leaseEnd WHERE {work.Dialect.AnyOf("id", "@ids")}",
            new { ids = due.Select(row => row.Id).ToList(), leaseEnd });
        return [.. due.Select(row => row with { Attempts = row.Attempts + 1 })];
    }

    public static Task DeliveredAsync(Work work, string id, int status, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            "UPDATE notification_deliveries SET delivered_at = @now, response_status = @status, last_error = NULL WHERE id = @id", new { id, status, now });

    /// <summary>Notes a failed attempt: the next one at <paramref name="retryAt"/>, or never again when null.</summary>
    public static Task FailedAsync(Work work, string id, int? status, string error, DateTimeOffset? retryAt, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE notification_deliveries SET response_status = @status, last_error = @error, available_at = @availableAt, abandoned_at = @abandonedAt
            WHERE id = @id
            """,
            new { id, status, error, availableAt = retryAt ?? now, abandonedAt = retryAt is null ? now : (DateTimeOffset?)null });

    public static Task DeleteSettledAsync(Work work, DateTimeOffset before, int limit) =>
        work.Connection.ExecuteAsync(
            """
            DELETE FROM notification_deliveries WHERE id IN (
                SELECT id FROM notification_deliveries WHERE coalesce(delivered_at, abandoned_at) < @before LIMIT @limit)
            """,
            new { before, limit });
}
