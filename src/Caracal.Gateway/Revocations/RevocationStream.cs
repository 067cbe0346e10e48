using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Caracal.Hosting;
using Caracal.Hosting.Logging;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Streams;
using Caracal.Streams.Consumers;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Revocations;

/// <summary>This instance's own group on the revocation, lifecycle and delegation topics (gateway.md A7, streams.md 6.2).</summary>
internal sealed class RevocationStream
{
    private static readonly string[] Read = [Topics.SessionsRevoke, Topics.AgentsLifecycle, Topics.DelegationsInvalidate];
    private static readonly string Group = $"gateway-revocation:{ServiceInstance.Id}";

    private readonly RevocationState _state;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    public RevocationStream(
        IStreamTransport transport, ISharedState shared, HmacKeyRing keys, RevocationState state,
        GatewayMetrics metrics, TimeProvider time, ILogger log)
    {
        _state = state;
        _metrics = metrics;
        _time = time;
        _log = log;
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
        switch (entry.Topic)
        {
            case Topics.AgentsLifecycle:
                ApplyLifecycle(entry);
                break;
            case Topics.DelegationsInvalidate:
                ApplyInvalidation(entry);
                break;
            default:
                ApplyRevocation(entry);
                break;
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
        Applied(entry, edge is null ? [] : [edge]);
    }

    // The epoch rises for the whole zone, and the STS judges it at every exchange. What is open ends only when it stands on
    // an edge that has ended: a new edge, or the end of somebody else's, takes nothing away.
    private void ApplyInvalidation(StreamEntry entry)
    {
        if (entry.Value("zone_id") is null || !long.TryParse(entry.Value("epoch"), NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            throw new FormatException("missing zone_id or epoch");
        }

        switch (entry.Value("event"))
        {
            case "edge_revoke":
                var edge = entry.Value("edge_id") ?? throw new FormatException("missing edge_id");
                _state.MarkDelegation(edge);
                Applied(entry, [edge]);
                break;
            case "edge_expire":
                var edges = EdgesOf(entry);
                Array.ForEach(edges, _state.MarkDelegation);
                Applied(entry, edges);
                break;
        }
    }

    private static string[] EdgesOf(StreamEntry entry)
    {
        try
        {
            return JsonSerializer.Deserialize(entry.Value("edge_ids") ?? "", EdgeIds.Default.StringArray) ?? [];
        }
        catch (JsonException fault)
        {
            throw new FormatException("edge_ids is not a list", fault);
        }
    }

    private void Applied(StreamEntry entry, string[] edges)
    {
        GatewayLog.RevocationApplied(
            _log, entry.Topic, entry.Id, entry.Value("zone_id"), entry.Value("session_id") ?? entry.Value("sid") ?? entry.Value("root_sid"), entry.Value("agent_session_id"), edges);
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

[JsonSerializable(typeof(string[]))]
internal sealed partial class EdgeIds : JsonSerializerContext;
