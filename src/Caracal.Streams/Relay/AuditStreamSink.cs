using System.Text.Json;
using Caracal.Evidence.Events;
using Caracal.Evidence.Trail;
using Caracal.Keys.Rings;
using Caracal.Protocol;

namespace Caracal.Streams.Relay;

/// <summary>
/// Where the journals of a process without Audit ship to: <c>caracal.audit.events</c>, each event signed as a frame, a
/// whole batch in one go. Nothing trims that topic but the group that has read it (streams.md 9).
/// </summary>
/// <param name="streams">The streams.</param>
/// <param name="keys">The current key signs; null only in dev.</param>
public sealed class AuditStreamSink(IStreamTransport streams, HmacKeyRing? keys) : IAuditSink
{
    public async Task ShipAsync(IReadOnlyList<ReadOnlyMemory<byte>> events, CancellationToken ct)
    {
        var appended = new Task[events.Count];
        for (var i = 0; i < appended.Length; i++)
        {
            // Not awaited one by one: the batch leaves in few writes and keeps its order.
            appended[i] = streams.AppendAsync(Topics.AuditEvents, Frame(events[i].Span), null, ct);
        }

        await Task.WhenAll(appended);
    }

    private IReadOnlyList<KeyValuePair<string, string>> Frame(ReadOnlySpan<byte> data)
    {
        try
        {
            return AuditFrame.Of(data, keys).Fields();
        }
        catch (JsonException)
        {
            // No event of ours; Audit dead-letters it, which keeps it where an operator sees it.
            return [new("data", System.Text.Encoding.UTF8.GetString(data))];
        }
    }
}
