using Caracal.Gateway.Pipeline;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Forwarding;

/// <summary>
/// After step 19, and only while a credential is new: counts what the upstream says to it, so that one that is refused is
/// taken back (operations.md 4). A count that is lost delays that; it is no reason to withhold an answer.
/// </summary>
internal sealed class ObserveCredential(ISharedState state, ILogger log) : IGatewayStep
{
    private readonly CredentialTally tally = new(state);

    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => call.Grant!.Upstream!.Watch is null ? new(Verdict.Pass) : CountAsync(call);

    private async ValueTask<Verdict> CountAsync(GatewayCall call)
    {
        try
        {
            // 403 is about what was asked for, and an agent chooses that.
            await tally.CountAsync(call.Grant!.Upstream!.Watch, (int)call.Answer!.StatusCode == 401, call.Now, CancellationToken.None);
        }
        catch (StreamsUnavailableException fault)
        {
            GatewayLog.CredentialUncounted(log, fault, call.RequestId);
        }

        return Verdict.Pass;
    }
}
