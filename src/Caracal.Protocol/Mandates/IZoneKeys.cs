namespace Caracal.Protocol.Mandates;

/// <summary>
/// Where a service gets a zone's verification keys: the STS in the same process, or its JWKS over HTTP with the cache
/// rules of gateway.md A5.
/// </summary>
public interface IZoneKeys
{
    /// <summary>
    /// The key named <paramref name="keyId"/> of the zone. Null when the zone or the key is unknown (after the one
    /// forced refetch that A5 allows), or when keys cannot be had now.
    /// </summary>
    ValueTask<EcPublicKey?> FindAsync(string zoneId, string keyId, CancellationToken cancellationToken);

    /// <summary>How long ago the zone's keys were fetched; null where they are not fetched, or not yet.</summary>
    TimeSpan? AgeOf(string zoneId) => null;
}
