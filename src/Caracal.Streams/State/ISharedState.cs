namespace Caracal.Streams.State;

/// <summary>
/// Short-lived facts that all replicas must agree on: spent mandates, nonces, counters. Redis between processes, memory
/// in one process. Every member throws <see cref="StreamsUnavailableException"/> when it cannot be reached; callers fail
/// closed (README ruling 7).
/// </summary>
public interface ISharedState
{
    /// <summary>
    /// Marks <paramref name="key"/> until <paramref name="lifetime"/> has passed; false when it is already marked
    /// (<c>SET NX PX</c>). The value is for people who look into Redis and cannot be read back.
    /// </summary>
    ValueTask<bool> TryAddAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Adds one to a counter whose window starts with its first hit (<c>INCR</c>, <c>EXPIRE</c> on 1); returns the new count.</summary>
    ValueTask<long> IncrementAsync(string key, TimeSpan window, CancellationToken cancellationToken);

    /// <summary>The text stored under <paramref name="key"/>, of a counter its count, or null.</summary>
    ValueTask<string?> GetAsync(string key, CancellationToken cancellationToken);

    /// <summary>Stores text for a time.</summary>
    ValueTask SetAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Reads and removes in one step: of two callers one gets the value (<c>GETDEL</c>).</summary>
    ValueTask<string?> TakeAsync(string key, CancellationToken cancellationToken);

    /// <summary>Removes a text or a counter.</summary>
    ValueTask DeleteAsync(string key, CancellationToken cancellationToken);

    /// <summary>Throws unless the state answers.</summary>
    ValueTask PingAsync(CancellationToken cancellationToken);
}
