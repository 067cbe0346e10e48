namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 12: without a measured and plausible database clock nothing is issued.</summary>
internal sealed class RequireDatabaseTime(ExchangeParts parts) : IExchangeStep
{
    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken) =>
        ValueTask.FromResult(parts.Clock.IsUsable ? Verdict.Continue : Verdict.Refuse(StsErrors.ClockUnusable));
}
