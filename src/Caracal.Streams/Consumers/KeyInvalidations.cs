using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Streams.State;

namespace Caracal.Streams.Consumers;

/// <summary>An instance's own group on <c>caracal.keys.invalidate</c>: a changed key leaves the cache of verification keys at once (operations.md 8).</summary>
/// <param name="service">The service that reads, for example <c>gateway</c>.</param>
/// <param name="instance">This instance among its replicas.</param>
public sealed class KeyInvalidations(string service, string instance)
{
    private readonly string _group = $"{service}-keys:{instance}";

    /// <param name="transport">The streams.</param>
    /// <param name="state">Where failure counts live.</param>
    /// <param name="keys">Keys that verify; null only in dev.</param>
    /// <param name="drop">Forgets the keys of the zone.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">Called with (topic, entry id, error).</param>
    public StreamConsumer Read(
        IStreamTransport transport, ISharedState state, HmacKeyRing? keys, Action<string> drop, TimeProvider time,
        Action<string, string, string> report)
    {
        var subscription = new StreamSubscription
        {
            Topics = [Topics.KeysInvalidate],
            Group = _group,
            Consumer = $"{service}-{instance}-keys",
            Keys = keys,
        };
        return new StreamConsumer(transport, state, subscription, (entry, _) => Drop(drop, entry), time) { Report = report };
    }

    /// <summary>For a clean exit; a group that was never made is no fault.</summary>
    public Task RemoveGroupAsync(IStreamTransport transport, CancellationToken cancellationToken) =>
        transport.RemoveGroupAsync(Topics.KeysInvalidate, _group, cancellationToken);

    private static Task Drop(Action<string> drop, StreamEntry entry)
    {
        drop(entry.Value("zone_id") ?? throw new FormatException("missing zone_id"));
        return Task.CompletedTask;
    }
}
