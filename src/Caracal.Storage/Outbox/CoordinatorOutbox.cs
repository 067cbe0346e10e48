using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Caracal.Protocol;
using Dapper;

namespace Caracal.Storage.Outbox;

/// <summary>One message to be announced: a JSON object of <c>topic</c>, <c>dedupe_key</c> and <c>payload_json</c>, and the id it gets.</summary>
/// <param name="Topic">The stream.</param>
/// <param name="DedupeKey">A second message with the same topic and key is dropped.</param>
/// <param name="PayloadJson">A JSON object; null members travel as the text <c>null</c> (streams.md 3).</param>
public sealed record Announcement(string Topic, string DedupeKey, string PayloadJson);

/// <summary>Table <c>caracal_outbox</c> (coordinator.md 12): the Coordinator's announcements, once per dedupe key.</summary>
public sealed class CoordinatorOutbox
{
    /// <summary>The notification that wakes the relay.</summary>
    public const string Channel = "caracal_coordinator_outbox";

    // One statement for many rows: the end of ten thousand Sessions announces forty thousand things.
    private const int Piece = 1_000;

    /// <summary>Enqueues the messages in their order.</summary>
    public async Task EnqueueAsync(Work work, IReadOnlyCollection<Announcement> announcements, DateTimeOffset now)
    {
        foreach (var piece in announcements.Chunk(Piece))
        {
            await work.Connection.ExecuteAsync(
                $"""
                 INSERT INTO caracal_outbox
                     (id, producer, topic, dedupe_key, payload_json, status, attempts, available_at, created_at, updated_at)
                 SELECT id, 'coordinator', topic, dedupe_key, payload_json, 'pending', 0, @now, @now, @now
                 FROM {work.Dialect.JsonRows("@rows", "payload_json", "id", "topic", "dedupe_key")} WHERE true
                 ON CONFLICT (producer, topic, dedupe_key) DO NOTHING
                 """,
                new { rows = new JsonText(RowsOf(piece)), now });
        }

        if (announcements.Count > 0)
        {
            work.Notify(Channel, "");
        }
    }

    private static string RowsOf(Announcement[] announcements)
    {
        var buffer = new ArrayBufferWriter<byte>(announcements.Length * 256);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartArray();
            foreach (var announcement in announcements)
            {
                writer.WriteStartObject();
                writer.WriteString("id"u8, Ids.New());
                writer.WriteString("topic"u8, announcement.Topic);
                writer.WriteString("dedupe_key"u8, announcement.DedupeKey);
                writer.WritePropertyName("payload_json"u8);
                writer.WriteRawValue(announcement.PayloadJson);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
