using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Caracal.Storage;
using Caracal.Storage.Outbox;

namespace Caracal.Coordinator.Outbox;

/// <summary>Enqueues stream messages in the transaction of the change they tell of (coordinator.md 12).</summary>
internal sealed class Announcements(CoordinatorOutbox outbox)
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Enqueues one message; the writer fills an open object, in which null stays a value.</summary>
    public Task EnqueueAsync(Work work, string topic, string dedupeKey, DateTimeOffset now, Action<Utf8JsonWriter> write) =>
        outbox.EnqueueAsync(work, [Compose(topic, dedupeKey, write)], now);

    /// <summary>Enqueues what ended together, together.</summary>
    public Task EnqueueAsync(Work work, IReadOnlyCollection<Announcement> announcements, DateTimeOffset now) =>
        outbox.EnqueueAsync(work, announcements, now);

    /// <summary>A message; the writer fills an open object.</summary>
    public static Announcement Compose(string topic, string dedupeKey, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return new Announcement(topic, dedupeKey, Encoding.UTF8.GetString(buffer.WrittenSpan));
    }
}
