using Caracal.Hosting;
using Caracal.Hosting.Logging;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Streams;
using Caracal.Streams.Consumers;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Mandates;

/// <summary>This instance's own group on <c>caracal.keys.invalidate</c>: a changed key leaves the cache at once (gateway.md A7).</summary>
internal static class KeyInvalidationStream
{
    private static readonly string Group = $"gateway-keys:{ServiceInstance.Id}";

    public static StreamConsumer Create(
        IStreamTransport transport, ISharedState shared, HmacKeyRing keys, ZoneKeyCache cache, TimeProvider time, ILogger log)
    {
        var subscription = new StreamSubscription
        {
            Topics = [Topics.KeysInvalidate],
            Group = Group,
            Consumer = $"gateway-{ServiceInstance.Id}-keys",
            Keys = keys,
        };
        return new StreamConsumer(transport, shared, subscription, (entry, _) => Drop(cache, entry), time)
        {
            Report = (topic, id, reason) => ServiceLog.StreamMessageRefused(log, topic, id, reason),
        };
    }

    /// <summary>For a clean exit; a group that was never made is no fault.</summary>
    public static Task RemoveGroupAsync(IStreamTransport transport, CancellationToken cancellationToken) =>
        transport.RemoveGroupAsync(Topics.KeysInvalidate, Group, cancellationToken);

    private static Task Drop(ZoneKeyCache cache, StreamEntry entry)
    {
        cache.Drop(entry.Value("zone_id") ?? throw new FormatException("missing zone_id"));
        return Task.CompletedTask;
    }
}
