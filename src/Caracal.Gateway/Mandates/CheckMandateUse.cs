using Caracal.Gateway.Pipeline;
using Caracal.Protocol.Mandates;

namespace Caracal.Gateway.Mandates;

/// <summary>
/// Behind step 11: a mandate that the STS would refuse anyway, because it is not <c>use=gateway</c> or has no
/// <c>jti</c> to spend, is refused before it costs an exchange (gateway.md A3, A6).
/// </summary>
internal sealed class CheckMandateUse : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        call.Claims is { WellTyped: true, Use: MandateUse.Gateway, Jti.Length: > 0 }
            ? Verdict.Pass
            : Verdict.Refuse(GatewayErrors.NotAGatewayMandate, GatewayCounter.DenialsBadBearer));
}
