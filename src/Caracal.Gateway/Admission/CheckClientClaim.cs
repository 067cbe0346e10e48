using Caracal.Gateway.Pipeline;
using Caracal.Protocol;

namespace Caracal.Gateway.Admission;

/// <summary>Step 9: claim <c>client_id</c> has the form of an id.</summary>
internal sealed class CheckClientClaim : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        Ids.IsPathId(call.Claims.ClientId)
            ? Verdict.Pass
            : Verdict.Refuse(GatewayErrors.ClientMissing, GatewayCounter.DenialsBadRouting));
}
