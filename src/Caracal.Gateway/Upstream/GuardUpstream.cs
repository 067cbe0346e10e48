using Caracal.Egress;
using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Upstream;

/// <summary>Step 16: the resource's upstream is a place the Gateway may call (gateway.md A10).</summary>
internal sealed class GuardUpstream(EgressGuard guard, UpstreamTargets targets) : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        call.Upstream = targets.Find(call.Grant!.Upstream!.Url);
        if (call.Upstream is null)
        {
            return new(NotAddressable);
        }

        // Not ended by the caller's leaving: from here on every call leaves its audit event.
        var vetting = guard.VetAsync(call.Upstream.Host, CancellationToken.None);
        return vetting.IsCompletedSuccessfully ? new(Judge(vetting.Result.Length)) : AwaitAsync(vetting);
    }

    private static Verdict NotAddressable => Verdict.Fail(GatewayErrors.UpstreamNotAddressable, ErrorKinds.NotAddressable);

    private static async ValueTask<Verdict> AwaitAsync(ValueTask<System.Net.IPAddress[]> vetting) => Judge((await vetting).Length);

    private static Verdict Judge(int addresses) => addresses > 0 ? Verdict.Pass : NotAddressable;
}
