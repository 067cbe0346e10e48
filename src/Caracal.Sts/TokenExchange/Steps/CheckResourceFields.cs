namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 6: an empty <c>resource</c> is a mistake, not "none".</summary>
internal sealed class CheckResourceFields : IExchangeStep
{
    // Each is decided and recorded by itself: without a bound one request would be thousands of audit events.
    private const int MostResources = 64;

    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken) => ValueTask.FromResult(
        exchange.Request.HasEmptyResource ? Verdict.Refuse(StsErrors.EmptyResource)
        : exchange.Request.Resources.Count > MostResources ? Verdict.Refuse(StsErrors.TooManyResources)
        : Verdict.Continue);
}
