using System.Collections.Concurrent;
using Caracal.Streams.Redis.Resp;
using Caracal.Streams.Redis.Upkeep;
using static Caracal.Streams.Redis.StreamCommands;

namespace Caracal.Streams.Redis;

/// <summary>
/// Topics in Redis Streams. Calls that are made without awaiting the one before go out together and take effect in their
/// order, which is how a batch is published. A group that vanished with the server's data is made again (streams.md 6.6).
/// </summary>
public sealed class RedisStreams(RedisConnection redis) : IStreamTransport
{
    private const string FirstId = "0-0";

    private readonly ConcurrentDictionary<(string Group, string Consumer), GroupReader> _readers = new();
    private readonly RedisTopics _topics = new(redis);

    /// <summary>Called with (topic, group) when a group was found missing and made again; log it as <c>stream_group_recreated</c>.</summary>
    public Action<string, string>? GroupRecreated { get; init; }

    public async Task<string> AppendAsync(
        string topic, IReadOnlyList<KeyValuePair<string, string>> fields, long? maximumLength, CancellationToken cancellationToken)
    {
        var reply = await redis.SendAsync(Append, new AppendCommand(topic, fields, maximumLength), cancellationToken);
        return RedisErrorException.ThrowIfError(reply).Text ?? throw new StreamsUnavailableException("Redis gave the message no id");
    }

    /// <summary>At once: the message is in Redis, and a crash of this process cannot lose it any more.</summary>
    public Task SettledAsync(string topic, string id, CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task EnsureGroupAsync(
        string topic, string group, bool fromBeginning, bool shared, CancellationToken cancellationToken)
    {
        var reply = await redis.SendAsync(CreateGroup, (topic, group, fromBeginning), cancellationToken);
        if (reply.Kind != RespKind.Error || reply.ErrorCode != "BUSYGROUP")
        {
            RedisErrorException.ThrowIfError(reply);
        }
    }

    public async Task<IReadOnlyList<StreamEntry>> ReadAsync(
        IReadOnlyList<string> topics, string group, string consumer, int count, TimeSpan block, CancellationToken cancellationToken)
    {
        var reader = _readers.GetOrAdd(
            (group, consumer), static (key, connection) => new GroupReader(connection, key.Group, key.Consumer), redis);
        var entries = new List<StreamEntry>();
        var reply = await reader.ReadAsync(topics, count, block, entries, cancellationToken);
        if (reply.Kind == RespKind.Error && reply.ErrorCode is "NOGROUP" or "UNBLOCKED")
        {
            foreach (var topic in topics)
            {
                await RecreateAsync(topic, group, cancellationToken);
            }

            entries.Clear();
            reply = await reader.ReadAsync(topics, count, TimeSpan.Zero, entries, cancellationToken);
        }

        RedisErrorException.ThrowIfError(reply);
        return entries;
    }

    public async Task<IReadOnlyList<StreamEntry>> ClaimAsync(
        string topic, string group, string consumer, TimeSpan idle, int count, CancellationToken cancellationToken)
    {
        var entries = new List<StreamEntry>();
        var start = FirstId;
        do
        {
            var command = new ClaimCommand(topic, group, consumer, (long)idle.TotalMilliseconds, start, count - entries.Count);
            var reply = await redis.SendAsync(Claim, command, cancellationToken);
            if (reply.Kind == RespKind.Error && reply.ErrorCode == "NOGROUP")
            {
                await RecreateAsync(topic, group, cancellationToken);
                return entries;
            }

            RedisErrorException.ThrowIfError(reply);
            start = reply.Items.Length > 1 ? reply.Items[0].Text ?? FirstId : FirstId;
            if (reply.Items.Length > 1)
            {
                StreamReplies.Entries(topic, reply.Items[1], entries, null);
            }
        }
        while (start != FirstId && entries.Count < count);
        return entries;
    }

    public async Task AcknowledgeAsync(string topic, string group, string id, CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.SendAsync(Acknowledge, (topic, group, id), cancellationToken));

    public async Task<IReadOnlyList<StreamEntry>> RangeAsync(
        string topic, string? afterId, int count, CancellationToken cancellationToken)
    {
        var reply = await redis.SendAsync(StreamCommands.Range, (topic, afterId, count), cancellationToken);
        var entries = new List<StreamEntry>();
        StreamReplies.Entries(topic, RedisErrorException.ThrowIfError(reply), entries, null);
        return entries;
    }

    public async Task DeleteAsync(string topic, string id, CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.SendAsync(Delete, (topic, id), cancellationToken));

    public async Task<long> LengthAsync(string topic, CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.SendAsync(Length, topic, cancellationToken)).Integer;

    public async Task<GroupBacklog> BacklogAsync(string topic, string group, CancellationToken cancellationToken)
    {
        var states = await _topics.GroupsAsync(topic, cancellationToken);
        if (states.FirstOrDefault(state => state.Name == group) is not { } found)
        {
            var first = await RangeAsync(topic, null, 1, cancellationToken);
            return new GroupBacklog(await LengthAsync(topic, cancellationToken), 0, first.Count == 0 ? null : first[0].Id);
        }

        // Where Redis cannot tell, all that is there is the most it can be.
        var undelivered = found.Undelivered ?? await LengthAsync(topic, cancellationToken);
        return new GroupBacklog(undelivered, found.Pending, found.OldestWaitingId);
    }

    public async Task RemoveGroupAsync(string topic, string group, CancellationToken cancellationToken)
    {
        var reply = await redis.SendAsync(RemoveGroup, (topic, group), cancellationToken);
        var isGone = reply.Kind == RespKind.Error
            && reply.Text!.Contains("requires the key to exist", StringComparison.OrdinalIgnoreCase);
        if (!isGone)
        {
            RedisErrorException.ThrowIfError(reply);
        }

        Forget(topic, group);
    }

    // From the beginning: what is in the stream now came after the loss, and none of it has been seen.
    private async Task RecreateAsync(string topic, string group, CancellationToken cancellationToken)
    {
        var reply = await redis.SendAsync(CreateGroup, (topic, group, true), cancellationToken);
        if (reply.Kind == RespKind.Error && reply.ErrorCode == "BUSYGROUP")
        {
            return;
        }

        RedisErrorException.ThrowIfError(reply);
        Forget(topic, group);
        GroupRecreated?.Invoke(topic, group);
    }

    private void Forget(string topic, string group)
    {
        foreach (var ((readGroup, _), reader) in _readers)
        {
            if (readGroup == group)
            {
                reader.Forget(topic);
            }
        }
    }
}
