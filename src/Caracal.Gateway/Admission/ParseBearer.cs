using Caracal.Gateway.Pipeline;
using Caracal.Protocol.Mandates;

namespace Caracal.Gateway.Admission;

/// <summary>Step 4: takes the mandate apart, once. What it says stays untrusted until step 11.</summary>
internal sealed class ParseBearer : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        call.Token = MandateToken.TryParse(call.Bearer.Span);
        return new(
            call.Token is { Claims.ExpiresAt: not 0 }
                ? Verdict.Pass
                : Verdict.Refuse(GatewayErrors.BearerMalformed, GatewayCounter.DenialsBadBearer));
    }
}
