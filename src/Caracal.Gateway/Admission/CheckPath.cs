using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Admission;

/// <summary>Step 10: the raw request target holds no way out of its path, in any number of encodings.</summary>
internal sealed class CheckPath : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        if (!call.Target.IsPath || !PathRules.TryDecode(call.Target.Path, out var decoded))
        {
            return new(Verdict.Refuse(GatewayErrors.PathTraversal, GatewayCounter.DenialsPathTraversal));
        }

        call.Path = decoded;
        return new(Verdict.Pass);
    }
}
