using Caracal.Gateway.Pipeline;
using Caracal.Protocol;

namespace Caracal.Gateway.Admission;

/// <summary>Step 7: which one resource the caller means. Routing only: authority is the mandate and the STS's decision.</summary>
internal sealed class FindResource : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var values = call.Http.Request.Headers[CaracalHeaders.Resource];
        call.Resource = (values.Count == 1 ? values[0] : null)?.Trim() ?? "";
        return new(
            call.Resource.Length > 0
                ? Verdict.Pass
                : Verdict.Refuse(GatewayErrors.ResourceMissing, GatewayCounter.DenialsBadRouting));
    }
}
