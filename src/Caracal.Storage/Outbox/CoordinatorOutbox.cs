using System.Collections.Immutable;
using Caracal.Protocol;

namespace Caracal.Storage.Outbox;

/// <summary>One message to be announced.</summary>
/// <param name="Topic">The stream.</param>
/// <param name="DedupeKey">A second message with the same topic and key is dropped.</param>
/// <param name="PayloadJson">A JSON object; null members travel as the text <c>null</c> (streams.md 3).</param>
public sealed record Announcement(string Topic, string DedupeKey, string PayloadJson);

/// <summary>Table <c>caracal_outbox</c> (coordinator.md 12): the Coordinator's announcements, once per dedupe key.</summary>
public sealed class CoordinatorOutbox
{
    /// <summary>The notification that wakes the relay.</summary>
    public const string Channel = "caracal_coordinator_outbox";

    private static readonly ImmutableArray<BulkColumn> Columns =
    [
        new("id", BulkType.Text), new("producer", BulkType.Text), new("topic", BulkType.Text), new("dedupe_key", BulkType.Text),
        new("payload_json", BulkType.Json), new("available_at", BulkType.Time), new("created_at", BulkType.Time), new("updated_at", BulkType.Time),
    ];

    // The end of ten thousand Sessions announces forty thousand things.
    private const int Piece = 1_000;

    /// <summary>Enqueues the messages in their order.</summary>
    public async Task EnqueueAsync(Work work, IReadOnlyCollection<Announcement> announcements, DateTimeOffset now)
    {
        foreach (var piece in announcements.Chunk(Piece))
        {
            var rows = Array.ConvertAll(piece, a => new object?[] { Ids.New(), "coordinator", a.Topic, a.DedupeKey, a.PayloadJson, now, now, now });
            await work.Dialect.InsertManyAsync(
                work.Connection,
                new BulkInsert("INSERT INTO caracal_outbox", Columns, rows, "ON CONFLICT (producer, topic, dedupe_key) DO NOTHING"));
        }

        if (announcements.Count > 0)
        {
            work.Notify(Channel, "");
        }
    }
}
