using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis.Upkeep;

/// <summary>One thing that was looked at.</summary>
/// <param name="What">What has to hold.</param>
/// <param name="Problem">Why it does not; null when it does.</param>
public sealed record RedisProof(string What, string? Problem);

/// <summary>Proves that a Redis is what the services rely on (operations.md 8); changes nothing.</summary>
/// <param name="administrator">A connection that may read the configuration.</param>
public sealed class RedisVerification(RedisConnection administrator)
{
    private static readonly (string Setting, string Needed)[] Settings = [("maxmemory-policy", "noeviction"), ("appendonly", "yes")];

    /// <summary>Topics, groups and settings.</summary>
    public async Task<IReadOnlyList<RedisProof>> RunAsync(CancellationToken cancellationToken)
    {
        var proofs = new List<RedisProof>();
        foreach (var topic in RedisProvisioning.SharedGroups.ToLookup(group => group.Topic, group => group.Group))
        {
            var type = (await administrator.ExecuteAsync(["TYPE", topic.Key], cancellationToken)).Text;
            proofs.Add(new($"{topic.Key} is a stream", type == "stream" ? null : $"it is {type ?? "nothing"}"));
            if (type != "stream") continue;
            var there = (await new RedisTopics(administrator).GroupsAsync(topic.Key, cancellationToken)).Select(group => group.Name).ToHashSet();
            foreach (var group in topic) proofs.Add(new($"{topic.Key} has the group {group}", there.Contains(group) ? null : "it is missing"));
        }

        foreach (var (setting, needed) in Settings)
        {
            var value = (await administrator.ExecuteAsync(["CONFIG", "GET", setting], cancellationToken))[setting].Text;
            proofs.Add(new($"{setting} is {needed}", value == needed ? null : $"it is {value ?? "not told"}"));
        }

        return proofs;
    }

    /// <summary>A service's user, by its own connection: it reaches its own keys, and the server refuses it every other service's.</summary>
    public static async Task<RedisProof> ProveAsync(RedisUser user, RedisConnection connection, CancellationToken cancellationToken)
    {
        var what = $"{user.Name} touches its own keys only";
        foreach (var own in user.Keys)
        {
            if (await IsRefusedAsync(connection, own, cancellationToken)) return new(what, $"it may not touch {own}");
        }

        foreach (var foreign in RedisUser.All.SelectMany(other => other.Keys).Distinct(StringComparer.Ordinal).Where(key => !Covers(user, key)))
        {
            if (!await IsRefusedAsync(connection, foreign, cancellationToken)) return new(what, $"it may touch {foreign}");
        }

        return new(what, await IsRefusedAsync(connection, "caracal:nobody", cancellationToken) ? null : "it may touch every key");
    }

    private static bool Covers(RedisUser user, string key) => user.Keys.Any(own =>
        own == key || (own.EndsWith('*') && key.StartsWith(own[..^1], StringComparison.Ordinal)));

    // The pattern itself, with its star, is a name that the pattern covers.
    private static async Task<bool> IsRefusedAsync(RedisConnection connection, string key, CancellationToken cancellationToken)
    {
        var reply = await connection.ExecuteAsync(["EXISTS", key], cancellationToken);
        return reply.Kind == RespKind.Error && reply.Text?.StartsWith("NOPERM", StringComparison.Ordinal) == true;
    }
}
