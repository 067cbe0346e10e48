using Caracal.Evidence.Journals;
using Caracal.Gateway.Evidence;
using Caracal.Gateway.Pipeline;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Replay;

/// <summary>
/// Step 12: spends the mandate's <c>jti</c>, whatever happens afterwards (gateway.md A6). When the store does not
/// answer, nothing is forwarded, except in <c>dev</c> with <c>JTI_FAIL_OPEN</c>.
/// </summary>
internal sealed class SpendMandate(ISharedState state, CallEvidence evidence, bool failOpen, ILogger log) : IGatewayStep
{
    public async ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var claims = call.Claims;
        var lifetime = DateTimeOffset.FromUnixTimeSeconds(Math.Min(claims.ExpiresAt, MaximumSeconds)) - call.Now;
        try
        {
            if (await state.TryAddAsync($"seen:jti:{claims.Jti}", call.RequestId, lifetime, call.Http.RequestAborted))
            {
                return Verdict.Pass;
            }
        }
        catch (StreamsUnavailableException)
        {
            if (failOpen)
            {
                GatewayLog.FailedOpen(log, call.RequestId);
                return Verdict.Pass;
            }

            return Verdict.Refuse(GatewayErrors.ReplayStoreDown, GatewayCounter.DenialsReplayUnavailable);
        }

        return await RefuseReplayAsync(call);
    }

    private async ValueTask<Verdict> RefuseReplayAsync(GatewayCall call)
    {
        try
        {
            await evidence.RecordReplayAsync(call);
            return Verdict.Refuse(GatewayErrors.Replayed, GatewayCounter.DenialsJtiReplay);
        }
        catch (JournalUnavailableException fault)
        {
            GatewayLog.EvidenceLost(log, fault, call.RequestId);
            return Verdict.Refuse(GatewayErrors.EvidenceLost, GatewayCounter.DenialsJtiReplay);
        }
    }

    // The last second a DateTimeOffset can name.
    private const long MaximumSeconds = 253402300799;
}
