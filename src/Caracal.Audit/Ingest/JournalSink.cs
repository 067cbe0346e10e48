using Caracal.Evidence.Trail;
using Caracal.Keys.Rings;

namespace Caracal.Audit.Ingest;

/// <summary>
/// Where the journals of this process ship to: each event is signed with the current key as its stream frame would be,
/// then passes the checks of one that came over the stream, but for that signature. Returns after everything is durable (audit.md 12).
/// </summary>
/// <param name="ingester">The ingester of this process.</param>
/// <param name="keys">The current key signs; null only in dev.</param>
internal sealed class JournalSink(AuditIngester ingester, HmacKeyRing? keys) : IAuditSink
{
    public Task ShipAsync(IReadOnlyList<ReadOnlyMemory<byte>> events, CancellationToken ct)
    {
        var key = keys?.Current;
        var frames = new AuditFrame[events.Count];
        for (var i = 0; i < frames.Length; i++)
        {
            frames[i] = new AuditFrame(AuditFrame.Journal, events[i], key?.SignHex(events[i].Span), key?.KeyId, null) { SignedHere = key };
        }

        return ingester.IngestAsync(frames, ct);
    }
}
