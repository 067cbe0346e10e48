using Caracal.Hosting;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.TokenExchange;
using Caracal.Streams;
using Caracal.Streams.Consumers;
using Caracal.Streams.State;
using Caracal.Sts.Zones;
using Microsoft.Extensions.Logging;

namespace Caracal.Sts.Consumers;

/// <summary>The groups the STS reads (sts.md 11). Caches never wait for them to be right, only to be right without a read.</summary>
internal sealed class StsConsumers
{
    private readonly List<StreamConsumer> _consumers;

    public StsConsumers(
        IStreamTransport streams, ISharedState state, StsSettings settings, ZoneStates zones, RevocationWriter revocations,
        CanaryAcknowledgements canaries, DatabaseClock clock, ILogger logger)
    {
        StreamConsumer Read(string group, bool shared, IReadOnlyList<string> topics, Func<StreamEntry, CancellationToken, Task> handler) =>
            new(
                streams,
                state,
                new StreamSubscription { Topics = topics, Group = group, Consumer = ServiceInstance.Id, Shared = shared, Keys = settings.StreamKeys },
                handler,
                clock.Process)
            {
                Report = (topic, id, reason) => ServiceLog.StreamMessageRefused(logger, topic, id, reason),
            };

        var instance = ServiceInstance.Id;
        _consumers =
        [
            Read("sts-revocation", true, [Topics.SessionsRevoke], (entry, ct) => RevokeAsync(entry, revocations, canaries, clock, logger, ct)),
            Read(
                $"sts-cache:{instance}", false, [Topics.SessionsRevoke, Topics.DelegationsInvalidate, Topics.AgentsLifecycle],
                (entry, _) => Forget(entry, zones)),
            Read($"opa-engine:{instance}", false, [Topics.PolicyInvalidate], (entry, ct) => ReloadAsync(entry, zones, ct)),
            Read($"sts-keys:{instance}", false, [Topics.KeysInvalidate], (entry, _) => DropKeys(entry, zones)),
        ];
    }

    /// <summary>True once every group exists.</summary>
    public bool AreReady => _consumers.TrueForAll(consumer => consumer.IsReady);

    /// <summary>Creates the groups, then reads them until the service stops.</summary>
    public async Task StartAsync(BackgroundTasks tasks, CancellationToken cancellationToken)
    {
        foreach (var consumer in _consumers)
        {
            try
            {
                await consumer.CreateGroupsAsync(cancellationToken);
            }
            catch (StreamsUnavailableException)
            {
                // The loop tries again every second; until then the service is not ready.
            }

            tasks.Start(consumer.RunAsync);
        }
    }

    // Only a named authority record has something to write; the rest is read from the tables per request.
    private static async Task RevokeAsync(
        StreamEntry entry, RevocationWriter revocations, CanaryAcknowledgements canaries, DatabaseClock clock, ILogger logger, CancellationToken cancellationToken)
    {
        var record = Present(entry, "session_id") ?? Present(entry, "sid") ?? Present(entry, "root_sid");
        if (Present(entry, "zone_id") is not { } zone
            || (record ?? Present(entry, "agent_session_id") ?? Present(entry, "delegation_edge_id") ?? Present(entry, "edge_id")) is null)
        {
            // streams.md 5.1: it revokes nothing, and somebody has to learn that it was meant to.
            throw new FormatException("missing zone_id, or session_id, agent_session_id and delegation_edge_id");
        }

        if (record is not null)
        {
            await revocations.RevokeTreeAsync(zone, record, entry.Value("reason"), clock.Now, cancellationToken);
        }

        canaries.Note(record);
        ConsumerLog.RevocationApplied(logger, entry.Topic, entry.Id, zone, record, Present(entry, "agent_session_id"), Present(entry, "delegation_edge_id") ?? Present(entry, "edge_id"));
    }

    private static string? Present(StreamEntry entry, string name) => entry.Value(name) is { Length: > 0 } value ? value : null;

    private static Task Forget(StreamEntry entry, ZoneStates zones)
    {
        if (entry.Value("zone_id") is { } zone)
        {
            zones.Invalidate(zone);
        }

        return Task.CompletedTask;
    }

    private static async Task ReloadAsync(StreamEntry entry, ZoneStates zones, CancellationToken cancellationToken)
    {
        if (entry.Value("zone_id") is { } zone)
        {
            await zones.GetFreshAsync(zone, cancellationToken);
        }
    }

    private static Task DropKeys(StreamEntry entry, ZoneStates zones)
    {
        if (entry.Value("zone_id") is { } zone)
        {
            zones.Drop(zone);
        }

        return Task.CompletedTask;
    }
}
