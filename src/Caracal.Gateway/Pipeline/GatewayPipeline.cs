namespace Caracal.Gateway.Pipeline;

/// <summary>Runs the steps in their order until one does not pass.</summary>
internal sealed class GatewayPipeline(IReadOnlyList<IGatewayStep> steps, GatewayMetrics metrics, RefusalAnswer refusals, CallLog lines)
{
    private readonly IGatewayStep[] _steps = [.. steps];

    /// <summary>The steps, in order; a test compares them with gateway.md A3.</summary>
    public IReadOnlyList<IGatewayStep> Steps => _steps;

    public async Task RunAsync(GatewayCall call)
    {
        metrics.Count(GatewayCounter.RequestsTotal);
        foreach (var step in _steps)
        {
            var verdict = await step.JudgeAsync(call);
            if (!verdict.Passes)
            {
                await refusals.GiveAsync(call, verdict);
                return;
            }
        }

        lines.Proxied(call);
    }
}
