using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Sts.Zones;

namespace Caracal.Sts.Jwks;

/// <summary>Verification keys for services of the same process: the STS's own zone states, without HTTP in between.</summary>
internal sealed class StsZoneKeys(ZoneStates zones) : IZoneKeys
{
    public ValueTask<EcPublicKey?> FindAsync(string zoneId, string keyId, CancellationToken cancellationToken) =>
        zones.Peek(zoneId, out var age) is { } state && age < ZoneStates.CheckInterval && state.FindVerificationKey(keyId) is { } key
            ? ValueTask.FromResult<EcPublicKey?>(key)
            : LookAgainAsync(zoneId, keyId, cancellationToken);

    // The key is not there, or the zone was not looked at for a while.
    private async ValueTask<EcPublicKey?> LookAgainAsync(string zoneId, string keyId, CancellationToken cancellationToken)
    {
        try
        {
            return (await zones.GetFreshAsync(zoneId, cancellationToken))?.FindVerificationKey(keyId);
        }
        catch (StorageUnavailableException)
        {
            // An unexpired key may still verify while the store is away (sts.md 6.2).
            return zones.Peek(zoneId, out var age) is { } state && age < ZoneStates.KeyLife ? state.FindVerificationKey(keyId) : null;
        }
    }
}
