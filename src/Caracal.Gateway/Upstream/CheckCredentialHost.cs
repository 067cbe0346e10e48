using Caracal.Authority.Upstreams;
using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Upstream;

/// <summary>Step 17: a provider's credential goes only to the hosts its owner named.</summary>
internal sealed class CheckCredentialHost : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        CredentialRules.MayGoTo(call.Grant!.Upstream!, call.Upstream!.Host)
            ? Verdict.Pass
            : Verdict.Fail(GatewayErrors.ProviderHostNotAllowed, ErrorKinds.HostNotAllowed));
}
