using Caracal.Gateway.Pipeline;
using Caracal.Protocol;
using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Admission;

/// <summary>Step 6: who calls is what the mandate says, never a header.</summary>
internal sealed class RefuseClientHeader : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        StringValues.IsNullOrEmpty(call.Http.Request.Headers[CaracalHeaders.ClientId])
            ? Verdict.Pass
            : Verdict.Refuse(GatewayErrors.ClientHeaderPresent, GatewayCounter.DenialsBadRouting));
}
