using Caracal.Hosting;
using Caracal.Hosting.Logging;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Streams;
using Caracal.Streams.Consumers;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Revocations;

/// <summary>This instance's own group on the revocation and lifecycle topics (gateway.md A7, streams.md 6.2).</summary>
internal sealed class RevocationStream
{
    private static readonly string[] Read = [Topics.SessionsRevoke, Topics.AgentsLifecycle];
    private static readonly string Group = $"gateway-revocation:{ServiceInstance.Id}";

    private readonly RevocationState _state;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;

    public RevocationStream(
        IStreamTransport transport, ISharedState shared, HmacKeyRing keys, RevocationState state,
        GatewayMetrics metrics, TimeProvider time, ILogger log)
    {
        _state = state;
        _metrics = metrics;
        _time = time;
        var subscription = new StreamSubscription
        {
            Topics = Read,
            Group = Group,
            Consumer = $"gateway-{ServiceInstance.Id}",
            Keys = keys,
            BatchSize = 50,
        };
        Consumer = new StreamConsumer(transport, shared, subscription, HandleAsync, time)
        {
            Report = (topic, id, reason) => ServiceLog.StreamMessageRefused(log, topic, id, reason),
        };
    }

    public StreamConsumer Consumer { get; }

    /// <summary>For a clean exit.</summary>
    public static async Task RemoveGroupsAsync(IStreamTransport transport, CancellationToken cancellationToken)
    {
        foreach (var topic in Read)
        {
            await transport.RemoveGroupAsync(topic, Group, cancellationToken);
        }
    }

    /// <summary>Applies one verified message; throws when it names nothing, so that it is tried again and then dead-lettered.</summary>
    public Task HandleAsync(StreamEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Topic == Topics.AgentsLifecycle)
        {
            ApplyLifecycle(entry);
        }
        else
        {
            ApplyRevocation(entry);
        }

        return Task.CompletedTask;
    }

    private void ApplyRevocation(StreamEntry entry)
    {
        var edge = entry.Value("delegation_edge_id") ?? entry.Value("edge_id");
        var session = entry.Value("agent_session_id");
        string?[] records = [entry.Value("session_id"), entry.Value("sid"), entry.Value("root_sid")];
        if (edge is null && session is null && records is [null, null, null])
        {
            throw new FormatException("missing session_id, agent_session_id, or delegation_edge_id");
        }

        Array.ForEach(records, _state.MarkRecord);
        _state.MarkSession(session);
        _state.MarkDelegation(edge);
        _metrics.Count(GatewayCounter.RevocationMessages);
        _metrics.RevocationTook(_time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(entry.Milliseconds));
    }

    // Ends are announced on the revocation topic too; only what that topic does not carry is read here.
    private void ApplyLifecycle(StreamEntry entry)
    {
        if (entry.Value("agent_session_id") is not { } session)
        {
            return;
        }

        switch (entry.Value("event"))
        {
            case "suspend":
                _state.Suspend(session);
                break;
            case "resume":
                _state.Resume(session);
                break;
            case "terminate":
                _state.MarkSession(session);
                break;
        }
    }
}
