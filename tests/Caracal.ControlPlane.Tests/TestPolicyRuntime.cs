using Caracal.Protocol.PolicyRuntime;

namespace Caracal.ControlPlane.Tests;

/// <summary>The STS as the API sees it: a double at the port that answers what a test tells it to.</summary>
internal sealed class TestPolicyRuntime : IPolicyRuntime
{
    public PolicySimulationOutcome Simulation { get; set; } = new(
        SimulationVerdict.Executed,
        """{"decision":"deny","evaluation_status":"complete","determining_policies":[],"diagnostics":[]}""",
        null);

    public PolicyStatusOutcome Status { get; set; } = new(StatusVerdict.Known, new PolicyStatus(true, null, "no_active_policy_set", null, null), null);

    public List<PolicySimulation> Simulations { get; } = [];

    public Task<PolicySimulationOutcome> SimulateAsync(PolicySimulation simulation, CancellationToken cancellationToken)
    {
        Simulations.Add(simulation);
        return Task.FromResult(Simulation);
    }

    public Task<PolicyStatusOutcome> StatusAsync(string zoneId, CancellationToken cancellationToken) => Task.FromResult(Status);
}
