using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Forwarding;

/// <summary>Before step 12: a body that says it is too large is refused while the mandate can still be used (gateway.md A3).</summary>
internal sealed class LimitBody(long maximumBytes) : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        call.Http.Request.ContentLength is not { } length || length <= maximumBytes
            ? Verdict.Pass
            : Verdict.Refuse(GatewayErrors.BodyTooLarge, GatewayCounter.None));
}
