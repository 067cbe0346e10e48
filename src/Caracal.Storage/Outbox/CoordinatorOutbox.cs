using Caracal.Protocol;
using Dapper;

namespace Caracal.Storage.Outbox;

/// <summary>Table <c>caracal_outbox</c> (coordinator.md 12): the Coordinator's announcements, once per dedupe key.</summary>
public sealed class CoordinatorOutbox
{
    /// <summary>The notification that wakes the relay.</summary>
    public const string Channel = "caracal_coordinator_outbox";

    /// <summary>
    /// Enqueues one message whose payload is a JSON object; null members travel as the text <c>null</c> (streams.md 3).
    /// A second message with the same topic and dedupe key is dropped.
    /// </summary>
    public async Task EnqueueAsync(Work work, string topic, string dedupeKey, string payloadJson, DateTimeOffset now)
    {
        var id = Ids.New();
        await work.Connection.ExecuteAsync(
            """
            INSERT INTO caracal_outbox
                (id, producer, topic, dedupe_key, payload_json, status, attempts, available_at, created_at, updated_at)
            VALUES (@id, 'coordinator', @topic, @dedupeKey, @payload, 'pending', 0, @now, @now, @now)
            ON CONFLICT (producer, topic, dedupe_key) DO NOTHING
            """,
            new { id, topic, dedupeKey, payload = new JsonText(payloadJson), now });
        work.Notify(Channel, id);
    }
}
