using System.Buffers;

namespace Caracal.ControlPlane.Rotations;

/// <summary>What the metrics of all instances said at one look (operations.md 4.7, V10 and V12).</summary>
/// <param name="Failures">Counters of failures by instance and series.</param>
/// <param name="FullestPool">The fullest PostgreSQL pool and the share of it that is in use; null when nobody has one.</param>
/// <param name="RedisClients">Open connections to Redis of all instances together; null when nobody has one.</param>
internal sealed record InstanceFigures(IReadOnlyDictionary<string, double> Failures, (string Name, double Use)? FullestPool, long? RedisClients)
{
    /// <summary>The series of a pool.</summary>
    public const string PoolUse = "caracal_db_pool_in_use_ratio";

    /// <summary>The series of a Redis client.</summary>
    public const string RedisConnections = "caracal_redis_connections_open";

    // What must not rise while a rotation is verified.
    private static readonly SearchValues<string> FailureWords = SearchValues.Create(
        ["audit_hmac_failures", "invalid_signature", "sts_exchange_errors", "denials_signature", "audit_events_lost"], StringComparison.Ordinal);

    /// <summary>Whether a series counts what must not rise.</summary>
    public static bool TellsOfFailure(ReadOnlySpan<char> series) => series.ContainsAny(FailureWords);

    /// <summary>Sorts what was scraped, by instance and series.</summary>
    public static InstanceFigures Of(IReadOnlyDictionary<string, double> series)
    {
        var failures = new Dictionary<string, double>(StringComparer.Ordinal);
        (string Name, double Use)? fullest = null;
        long? clients = null;
        foreach (var (key, value) in series)
        {
            var name = key.AsSpan(key.IndexOf(' ') + 1);
            if (name.StartsWith(PoolUse)) fullest = fullest is var (_, most) && most >= value ? fullest : (key[..key.IndexOf(' ')], value);
            else if (name.StartsWith(RedisConnections)) clients = (clients ?? 0) + (long)value;
            else if (TellsOfFailure(name)) failures[key] = value;
        }

        return new InstanceFigures(failures, fullest, clients);
    }
}
