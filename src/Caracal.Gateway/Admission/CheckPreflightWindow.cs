using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Admission;

/// <summary>Step 5: the mandate must live through the exchange and the upstream's answer: 5 s and 30 s.</summary>
internal sealed class CheckPreflightWindow : IGatewayStep
{
    private const long WindowSeconds = 35;

    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        // Not "exp - now": a forged exp may lie anywhere in the range of a long.
        call.Claims.ExpiresAt >= call.Now.ToUnixTimeSeconds() + WindowSeconds
            ? Verdict.Pass
            : Verdict.Refuse(GatewayErrors.BearerExpiring, GatewayCounter.DenialsExpiring));
}
