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
