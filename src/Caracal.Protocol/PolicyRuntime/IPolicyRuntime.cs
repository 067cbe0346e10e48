namespace Caracal.Protocol.PolicyRuntime;

/// <summary>
/// The API's questions to the STS about policies (api.md 10, sts.md 10.6): over HTTP with the signature of sts.md 5, or by
/// a call in the same process.
/// </summary>
public interface IPolicyRuntime
{
    /// <summary>Compiles the policies together and evaluates them once. Changes nothing; transport faults come back as <see cref="SimulationVerdict.Unreachable"/>.</summary>
    Task<PolicySimulationOutcome> SimulateAsync(PolicySimulation simulation, CancellationToken cancellationToken);

    /// <summary>What the STS has loaded for a zone.</summary>
    Task<PolicyStatusOutcome> StatusAsync(string zoneId, CancellationToken cancellationToken);
}
