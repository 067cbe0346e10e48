using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Caracal.Protocol;
using Dapper;

namespace Caracal.Storage.Outbox;

/// <summary>
/// Table <c>event_outbox</c> (api.md 12.1): what the API, and the STS for approval decisions, announce, written in the
/// transaction of the change.
/// </summary>
public sealed class EventOutbox
{
    /// <summary>The notification that wakes the relay.</summary>
    public const string Channel = "caracal_event_outbox";

    private static readonly ImmutableArray<BulkColumn> Columns =
    [
        new("id", BulkType.Text), new("stream_name", BulkType.Text), new("payload_json", BulkType.Json), new("attempts", BulkType.Number),
        new("available_at", BulkType.Time), new("request_id", BulkType.Text), new("created_at", BulkType.Time),
    ];

    /// <summary>Enqueues one message; a null value is left out of it. Returns the row id, the message's <c>outbox_id</c>.</summary>
    public async Task<string> EnqueueAsync(
        Work work, string stream, IReadOnlyList<KeyValuePair<string, string?>> fields, string? requestId, DateTimeOffset now)
    {
        var id = Ids.New();
        await work.Connection.ExecuteAsync(
            """
            INSERT INTO event_outbox (id, stream_name, payload_json, attempts, available_at, request_id, created_at)
            VALUES (@id, @stream, @payload, 0, @now, @requestId, @now)
            """,
            new { id, stream, payload = new JsonText(ToJson(fields)), now, requestId });
        work.Notify(Channel, id);
        return id;
    }

    /// <summary>Enqueues many messages in as few round trips as the engine can; in their order.</summary>
    public async Task EnqueueManyAsync(
        Work work, IReadOnlyList<(string Stream, KeyValuePair<string, string?>[] Fields)> messages, string? requestId, DateTimeOffset now)
    {
        if (messages.Count == 0) return;
        var rows = new object?[messages.Count][];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = [Ids.New(), messages[i].Stream, ToJson(messages[i].Fields), 0L, now, requestId, now];
        }

        await work.Dialect.InsertManyAsync(work.Connection, new BulkInsert("INSERT INTO event_outbox", Columns, rows));
        work.Notify(Channel, (string)rows[^1][0]!);
    }

    private static string ToJson(IReadOnlyList<KeyValuePair<string, string?>> fields)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in fields)
            {
                if (value is not null)
                {
                    writer.WriteString(name, value);
                }
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
