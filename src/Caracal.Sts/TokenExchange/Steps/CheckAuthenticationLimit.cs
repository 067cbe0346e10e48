namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 8: notes whether this client is blocked; the right secret passes the block (B6), so step 9 decides.</summary>
internal sealed class CheckAuthenticationLimit(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        if (!exchange.IsGateway)
        {
            exchange.ClientIsBlocked = await parts.Limits.IsBlockedAsync(exchange.Request.ApplicationId!, cancellationToken);
        }

        return Verdict.Continue;
    }
}
