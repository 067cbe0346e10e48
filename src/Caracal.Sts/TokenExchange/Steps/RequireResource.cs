namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 11.</summary>
internal sealed class RequireResource : IExchangeStep
{
    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken) =>
        ValueTask.FromResult(exchange.Request.Resources.Count == 0 ? Verdict.Refuse(StsErrors.ResourceMissing) : Verdict.Continue);
}
