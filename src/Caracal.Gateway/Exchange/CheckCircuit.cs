using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Exchange;

/// <summary>Step 14: an STS that keeps failing is left alone for a while.</summary>
internal sealed class CheckCircuit(StsCircuit circuit, GatewayMetrics metrics) : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        if (circuit.TryEnter())
        {
            return new(Verdict.Pass);
        }

        metrics.Count(GatewayCounter.StsCircuitFastFail);
        return new(Verdict.Refuse(GatewayErrors.CircuitOpen, GatewayCounter.StsExchangeErrors));
    }
}
