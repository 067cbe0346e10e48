using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Sts.Zones;

namespace Caracal.Sts.Jwks;

/// <summary>Verification keys for services of the same process: the STS's own zone states, without HTTP in between.</summary>
internal sealed class StsZoneKeys(ZoneStates zones) : IZoneKeys
{
    public ValueTask<EcPublicKey?> FindAsync(string zoneId, string keyId, CancellationToken cancellationToken)
    {
        var recent = zones.GetRecentAsync(zoneId, cancellationToken);
        return recent.IsCompletedSuccessfully && recent.Result?.FindVerificationKey(keyId) is { } key
            ? ValueTask.FromResult<EcPublicKey?>(key)
            : LookAgainAsync(recent, zoneId, keyId, cancellationToken);
    }

    private async ValueTask<EcPublicKey?> LookAgainAsync(
        ValueTask<ZoneState?> recent, string zoneId, string keyId, CancellationToken cancellationToken)
    {
        try
        {
            if ((await recent)?.FindVerificationKey(keyId) is { } key)
            {
                return key;
            }

            return (await zones.GetFreshAsync(zoneId, cancellationToken))?.FindVerificationKey(keyId);
        }
        catch (StorageUnavailableException)
        {
            // An unexpired key may still verify while the store is away (sts.md 6.2).
            return zones.Peek(zoneId, out var age) is { } state && age < ZoneStates.KeyLife ? state.FindVerificationKey(keyId) : null;
        }
    }
}
