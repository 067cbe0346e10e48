using System.Globalization;
using Caracal.Verifier.Redis;

namespace Caracal.Verifier.Revocations;

/// <summary>Revocations that all instances of a resource server share. Whatever it cannot read is revoked (gateway.md B6).</summary>
public sealed class RedisRevocationStore : IRevocationStore
{
    /// <summary>The keys that the client libraries of every language share.</summary>
    public const string DefaultPrefix = "caracal:revoked:sessions:";

    private const string RaiseEpoch = """
        local known = redis.call('GET', KEYS[1])
        if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """;

    private readonly IRedisCommands _redis;
    private readonly string _prefix;

    /// <param name="redis">A command that does not answer within two seconds must fail.</param>
    /// <param name="prefix">Of every key.</param>
    public RedisRevocationStore(IRedisCommands redis, string prefix = DefaultPrefix)
    {
        _redis = redis;
        _prefix = prefix;
    }

    public ValueTask<bool> IsRevokedAsync(string anchor, CancellationToken cancellationToken = default) =>
        IsAnyRevokedAsync([anchor], cancellationToken);

    public async ValueTask<bool> IsAnyRevokedAsync(IReadOnlyList<string> anchors, CancellationToken cancellationToken = default)
    {
        if (anchors.Count == 0)
        {
            return false;
        }

        try
        {
            var reply = await _redis.SendAsync(["EXISTS", .. anchors.Select(anchor => _prefix + anchor)], cancellationToken);
            return reply.Integer is not 0;
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            return true;
        }
    }

    public async ValueTask MarkRevokedAsync(string anchor, TimeSpan? lifetime = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(anchor);
        await _redis.SendAsync(["SET", _prefix + anchor, "1", "PX", Milliseconds(lifetime)], cancellationToken);
    }

    public async ValueTask<long> CurrentDelegationEpochAsync(string zoneId, CancellationToken cancellationToken = default)
    {
        try
        {
            var reply = await _redis.SendAsync(["GET", EpochKey(zoneId)], cancellationToken);
            return reply.Text is null ? 0 : long.Parse(reply.Text, NumberStyles.None, CultureInfo.InvariantCulture);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            return long.MaxValue;
        }
    }

    public async ValueTask MarkDelegationEpochAsync(string zoneId, long epoch, TimeSpan? lifetime = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(zoneId);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        await _redis.SendAsync(
            ["EVAL", RaiseEpoch, "1", EpochKey(zoneId), epoch.ToString(CultureInfo.InvariantCulture), Milliseconds(lifetime)], cancellationToken);
    }

    private string EpochKey(string zoneId) => $"{_prefix}delegation-epoch:{zoneId}";

    private static string Milliseconds(TimeSpan? lifetime) =>
        ((long)Math.Max(1, (lifetime ?? InMemoryRevocationStore.DefaultLifetime).TotalMilliseconds)).ToString(CultureInfo.InvariantCulture);
}
