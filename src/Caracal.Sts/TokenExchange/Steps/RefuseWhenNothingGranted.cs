namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 18: the answer when no resource was granted (sts.md 2.3).</summary>
internal sealed class RefuseWhenNothingGranted(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        if (exchange.Granted.Count > 0)
        {
            return Verdict.Continue;
        }

        await parts.Audit.ExchangeDeniedAsync(exchange, cancellationToken);
        if (exchange.ProviderRefusal is { } provider)
        {
            return provider;
        }

        if (exchange.WasRateLimited)
        {
            return StsErrors.RateLimited;
        }

        return exchange.FirstDenyReason is { } reason ? StsErrors.PolicyDenied.With($"policy denied ({reason})") : StsErrors.PolicyDenied;
    }
}
