namespace Caracal.Sts.TokenExchange;

/// <summary>One step of sts.md 2.1. Steps run in the order of <see cref="TokenExchangeSpine"/> and share one <see cref="Exchange"/>.</summary>
internal interface IExchangeStep
{
    ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken);
}
