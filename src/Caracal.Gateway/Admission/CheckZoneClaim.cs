using Caracal.Gateway.Pipeline;
using Caracal.Protocol;

namespace Caracal.Gateway.Admission;

/// <summary>Step 8: claim <c>zone_id</c> has the form of an id.</summary>
internal sealed class CheckZoneClaim : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        Ids.IsPathId(call.Claims.ZoneId)
            ? Verdict.Pass
            : Verdict.Refuse(GatewayErrors.ZoneMissing, GatewayCounter.DenialsBadRouting));
}
