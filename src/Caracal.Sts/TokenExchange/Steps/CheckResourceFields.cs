namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 6: an empty <c>resource</c> is a mistake, not "none".</summary>
internal sealed class CheckResourceFields : IExchangeStep
{
    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken) =>
        ValueTask.FromResult(exchange.Request.HasEmptyResource ? Verdict.Refuse(StsErrors.EmptyResource) : Verdict.Continue);
}
