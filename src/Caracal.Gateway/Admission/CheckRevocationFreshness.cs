using Caracal.Gateway.Pipeline;
using Caracal.Gateway.Revocations;

namespace Caracal.Gateway.Admission;

/// <summary>Step 1: without a fresh snapshot nobody can know what is revoked, so nobody passes.</summary>
internal sealed class CheckRevocationFreshness(RevocationState revocations) : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) => new(
        revocations.IsFresh
            ? Verdict.Pass
            : Verdict.Refuse(GatewayErrors.RevocationStale, GatewayCounter.DenialsRevocationStale));
}
