using Caracal.Hosting.Logging;
using Caracal.Protocol;
using Caracal.Streams;
using Caracal.Streams.Consumers;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.Jobs;

/// <summary>Reads the lifecycle stream once for all replicas and logs each event once (coordinator.md 13). Forged messages are dead-lettered by the consumer.</summary>
internal sealed class LifecycleRelay
{
    private const string Group = "coordinator-relay";

    private readonly ISharedState _state;
    private readonly CoordinatorMetrics _metrics;
    private readonly ILogger _logger;
    private readonly TimeSpan _window;

    public LifecycleRelay(
        CoordinatorSettings settings, IStreamTransport streams, ISharedState state, TimeProvider time, CoordinatorMetrics metrics, ILogger logger)
    {
        _state = state;
        _metrics = metrics;
        _logger = logger;
        _window = settings.RelayDedupeWindow;
        Consumer = new StreamConsumer(
            streams,
            state,
            new StreamSubscription
            {
                Topics = [Topics.AgentsLifecycle],
                Group = Group,
                Consumer = settings.RelayConsumer,
                Shared = true,
                Keys = settings.StreamsKeys,
                BatchSize = 50,
                Block = TimeSpan.FromSeconds(5),
                ClaimIdle = settings.RelayClaimIdle,
            },
            HandleAsync,
            time)
        {
            Report = (topic, entry, reason) => ServiceLog.StreamMessageRefused(_logger, topic, entry, reason),
        };
    }

    public StreamConsumer Consumer { get; }

    private async Task HandleAsync(StreamEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Value("outbox_id") is { } id
            && !await _state.TryAddAsync($"coordinator:relay_dedupe:{id}", "1", _window, cancellationToken))
        {
            return;
        }

        _metrics.LifecycleRelayed.Add();
        CoordinatorLog.Lifecycle(_logger, entry.Value("event") ?? "", entry.Value("agent_session_id") ?? "", entry.Value("zone_id") ?? "");
    }
}
