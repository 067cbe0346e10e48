using Caracal.Gateway.Pipeline;
using Caracal.Protocol.Mandates;

namespace Caracal.Gateway.Mandates;

/// <summary>Step 11: ES256 under a key of the mandate's zone. From here on the claims are what the STS wrote.</summary>
internal sealed class VerifySignature(IZoneKeys keys) : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var token = call.Token!;
        if (token.Algorithm != "ES256" || string.IsNullOrEmpty(token.KeyId) || token.Signature.Length != 64)
        {
            return new(Invalid);
        }

        var finding = keys.FindAsync(token.Claims.ZoneId!, token.KeyId, call.Http.RequestAborted);
        return finding.IsCompletedSuccessfully ? new(Judge(call, finding.Result)) : AwaitAsync(call, finding);
    }

    private static Verdict Invalid => Verdict.Refuse(GatewayErrors.SignatureInvalid, GatewayCounter.DenialsSignature);

    private static async ValueTask<Verdict> AwaitAsync(GatewayCall call, ValueTask<EcPublicKey?> finding) =>
        Judge(call, await finding);

    private static Verdict Judge(GatewayCall call, EcPublicKey? key)
    {
        call.ZoneIsKnown = key is not null;
        call.IsVerified = key is not null && key.Verify(call.Token!);
        return call.IsVerified ? Verdict.Pass : Invalid;
    }
}
