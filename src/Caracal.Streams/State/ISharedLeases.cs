namespace Caracal.Streams.State;

/// <summary>
/// A lock that replicas share and that ends by itself when its owner is gone. Every member throws
/// <see cref="StreamsUnavailableException"/> when it cannot be reached.
/// </summary>
public interface ISharedLeases
{
    /// <summary>Takes the lease for <paramref name="owner"/>; false while anybody holds it.</summary>
    ValueTask<bool> TryLeaseAsync(string key, string owner, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Prolongs the lease; false when it is not <paramref name="owner"/>'s any more.</summary>
    ValueTask<bool> RenewLeaseAsync(string key, string owner, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Gives the lease back, if it still is <paramref name="owner"/>'s.</summary>
    ValueTask ReleaseLeaseAsync(string key, string owner, CancellationToken cancellationToken);
}
