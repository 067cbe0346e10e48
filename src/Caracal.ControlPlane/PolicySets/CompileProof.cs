using Caracal.Protocol;
using Caracal.Protocol.PolicyRuntime;

namespace Caracal.ControlPlane.PolicySets;

/// <summary>Proof that a bundle compiles where it will run: a simulation with an empty input (api.md 10).</summary>
internal sealed class CompileProof(IPolicyRuntime? runtime)
{
    /// <summary>The refusal of a bundle the STS rejects. An STS that cannot be reached blocks a new version, not an activation.</summary>
    public async Task<Refusal?> CheckAsync(
        string policySetId, string versionId, string manifestSha256, IReadOnlyList<PolicySource> policies, bool needed, CancellationToken cancellationToken)
    {
        // Without a signing key, which only dev mode allows, there is nobody to ask.
        if (runtime is null) return null;
        var outcome = await runtime.SimulateAsync(
            new PolicySimulation(policySetId, versionId, manifestSha256, policies, "{}"), cancellationToken);
        return outcome.Verdict switch
        {
            SimulationVerdict.Executed => null,
            SimulationVerdict.Rejected => ControlPlaneErrors.InvalidPolicyBundle.With(outcome.Reason ?? ""),
            _ => needed ? ControlPlaneErrors.PolicyVerificationUnavailable : null,
        };
    }
}
