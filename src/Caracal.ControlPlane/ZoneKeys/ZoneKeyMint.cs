using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Keys.Signatures;
using Caracal.Protocol;

namespace Caracal.ControlPlane.ZoneKeys;

/// <summary>A new signing key, sealed; its id is the <c>kid</c>.</summary>
internal sealed record SealedZoneKey(string KeyId, byte[] Envelope);

/// <summary>Makes zone signing keys. The private key leaves this method only sealed.</summary>
internal sealed class ZoneKeyMint(KekRing keks)
{
    public SealedZoneKey Mint()
    {
        using var key = SigningKey.Generate();
        using var pem = key.ToSec1Pem();
        return new SealedZoneKey(Ids.New(), Css1Envelope.Seal(keks, SealedLocations.ZoneSigningKey, pem.Span));
    }
}
