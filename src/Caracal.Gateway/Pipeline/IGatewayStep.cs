namespace Caracal.Gateway.Pipeline;

/// <summary>One row of the table in gateway.md A3.</summary>
internal interface IGatewayStep
{
    /// <summary>Judges the call; may fill in what later steps need.</summary>
    ValueTask<Verdict> JudgeAsync(GatewayCall call);
}
