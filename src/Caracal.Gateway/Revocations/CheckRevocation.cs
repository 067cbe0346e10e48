using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Revocations;

/// <summary>Step 13: none of the mandate's four anchors is revoked.</summary>
internal sealed class CheckRevocation(RevocationState revocations) : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        revocations.IsRevoked(call.Claims)
            ? Verdict.Refuse(GatewayErrors.Revoked, GatewayCounter.DenialsRevoked)
            : Verdict.Pass);
}
