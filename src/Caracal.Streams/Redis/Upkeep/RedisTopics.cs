using Caracal.Streams.InProcess;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis.Upkeep;

/// <summary>What the leader and the metrics have to know about topics, and how topics are kept short without losing anything.</summary>
public sealed class RedisTopics(RedisConnection redis)
{
    private const string FirstId = "0-0";

    /// <summary>The groups of a topic; none when there is no such topic.</summary>
    public async Task<IReadOnlyList<GroupState>> GroupsAsync(string topic, CancellationToken cancellationToken)
    {
        var groups = await redis.ExecuteAsync(["XINFO", "GROUPS", topic], cancellationToken);
        if (groups.Kind == RespKind.Error && groups.Text!.Contains("no such key", StringComparison.OrdinalIgnoreCase))
        {
            return [];
        }

        RedisErrorException.ThrowIfError(groups);
        var states = new Task<GroupState>[groups.Items.Length];
        for (var i = 0; i < states.Length; i++)
        {
            states[i] = StateAsync(topic, groups.Items[i], cancellationToken);
        }

        return await Task.WhenAll(states);
    }

    /// <summary>
    /// Cuts a topic down to about <paramref name="keep"/> messages, but never one that a group with a reader still has to
    /// see (streams.md 9). Returns how many messages are left.
    /// </summary>
    public async Task<long> TrimAsync(string topic, long keep, TimeSpan readerLife, CancellationToken cancellationToken)
    {
        var length = await LengthAsync(topic, cancellationToken);
        if (length <= keep)
        {
            return length;
        }

        var groups = await GroupsAsync(topic, cancellationToken);
        var needed = Oldest(groups.Where(g => g.IsRead(readerLife)).Select(g => g.OldestWaitingId));
        string[] bound = needed is null
            ? ["MAXLEN", "~", $"{keep}"]
            : ["MINID", "~", needed, "LIMIT", $"{length - keep}"];
        var cut = await redis.ExecuteAsync(["XTRIM", topic, .. bound], cancellationToken);
        return length - RedisErrorException.ThrowIfError(cut).Integer;
    }

    /// <summary>
    /// Cuts off a topic what every group with a reader is done with; nothing while nobody reads it. For evidence, which no
    /// length may ever cut (streams.md 9). Returns the groups that were not waited for: they deserve a warning.
    /// </summary>
    public async Task<IReadOnlyList<string>> TrimReadAsync(string topic, TimeSpan readerLife, CancellationToken cancellationToken)
    {
        var groups = await GroupsAsync(topic, cancellationToken);
        var done = Oldest(groups.Where(g => g.IsRead(readerLife)).Select(g => g.OldestWaitingId ?? g.LastDeliveredId));
        if (done is not null)
        {
            RedisErrorException.ThrowIfError(await redis.ExecuteAsync(["XTRIM", topic, "MINID", "~", done], cancellationToken));
        }

        return [.. groups.Where(g => !g.IsRead(readerLife)).Select(g => g.Name)];
    }

    /// <summary>
    /// Removes the groups of single instances (their names hold a colon) that nobody has read for
    /// <paramref name="readerLife"/>: their instance ended without saying so, and they would hold back trimming for ever.
    /// Returns their names.
    /// </summary>
    public async Task<IReadOnlyList<string>> RemoveAbandonedAsync(string topic, TimeSpan readerLife, CancellationToken cancellationToken)
    {
        var groups = await GroupsAsync(topic, cancellationToken);
        var abandoned = groups
            .Where(g => g.Name.Contains(':', StringComparison.Ordinal) && g.Idle is { } idle && idle > readerLife)
            .Select(g => g.Name).ToList();
        foreach (var group in abandoned)
        {
            RedisErrorException.ThrowIfError(await redis.ExecuteAsync(["XGROUP", "DESTROY", topic, group], cancellationToken));
        }

        return abandoned;
    }

    /// <summary>
    /// What Redis does when it is full. Anything but <c>noeviction</c> loses marks and evidence; null when we may not ask
    /// (streams.md 1).
    /// </summary>
    public async Task<string?> EvictionPolicyAsync(CancellationToken cancellationToken)
    {
        var reply = await redis.ExecuteAsync(["CONFIG", "GET", "maxmemory-policy"], cancellationToken);
        var policy = reply["maxmemory-policy"].Text?.Trim().ToLowerInvariant();
        return string.IsNullOrEmpty(policy) ? null : policy;
    }

    private async Task<GroupState> StateAsync(string topic, RespValue group, CancellationToken cancellationToken)
    {
        var name = group["name"].Text ?? "";
        var last = group["last-delivered-id"].Text ?? FirstId;
        var pending = redis.ExecuteAsync(["XPENDING", topic, name], cancellationToken);
        var next = redis.ExecuteAsync(["XRANGE", topic, "(" + last, "+", "COUNT", "1"], cancellationToken);
        var consumers = redis.ExecuteAsync(["XINFO", "CONSUMERS", topic, name], cancellationToken);
        var oldestPending = RedisErrorException.ThrowIfError(await pending).Items is [_, { Text: { } id }, ..] ? id : null;
        var oldestNew = RedisErrorException.ThrowIfError(await next).Items is [{ Items: [{ Text: { } newId }, ..] }, ..] ? newId : null;
        TimeSpan? idle = null;
        foreach (var consumer in RedisErrorException.ThrowIfError(await consumers).Items)
        {
            var own = TimeSpan.FromMilliseconds(consumer["idle"].Integer);
            idle = idle < own ? idle : own;
        }

        return new GroupState(name, last, group["pending"].Integer, Oldest([oldestPending, oldestNew]), idle)
        {
            Undelivered = oldestNew is null ? 0 : group["lag"].Kind == RespKind.Integer ? group["lag"].Integer : null,
        };
    }

    /// <summary>How many messages a topic holds; 0 when there is no such topic.</summary>
    public async Task<long> LengthAsync(string topic, CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.ExecuteAsync(["XLEN", topic], cancellationToken)).Integer;

    private static string? Oldest(IEnumerable<string?> ids) =>
        ids.Where(id => id is not null).MinBy(id => EntryId.Parse(id!));
}
