namespace Caracal.Streams.State;

/// <summary>Token buckets that replicas share. Every member throws <see cref="StreamsUnavailableException"/> when they cannot be reached.</summary>
public interface ISharedBuckets
{
    /// <summary>
    /// Takes one token from a bucket that holds <paramref name="capacity"/> and fills up evenly within
    /// <paramref name="window"/>; false when less than one is left. A bucket nobody used for ten windows is forgotten.
    /// </summary>
    ValueTask<bool> TakeTokenAsync(string key, int capacity, TimeSpan window, CancellationToken cancellationToken);
}
