using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Admission;

/// <summary>Step 3: the deepest legal delegation needs 4.3 KiB, so <c>MAX_BEARER_BYTES</c> is 8192 by default.</summary>
internal sealed class LimitBearer(int maximumBytes) : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        call.Bearer.Length <= maximumBytes
            ? Verdict.Pass
            : Verdict.Refuse(GatewayErrors.BearerTooLarge, GatewayCounter.DenialsBadBearer));
}
