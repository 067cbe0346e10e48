using Caracal.Authority.TokenExchange;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 20: the lifetime after every clamp (sts.md 2.4, B11).</summary>
internal sealed class ChooseLifetime(ExchangeParts parts) : IExchangeStep
{
    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var seconds = LifetimeRules.Requested(
            exchange.Request.TtlSeconds, exchange.IsGateway, parts.Settings.MaximumGrantSeconds);
        if (exchange.IsControlKey)
        {
            seconds = ControlKeyRules.Clamp(exchange.Application!, seconds, exchange.Now);
        }

        if (exchange.Delegation is { } proof)
        {
            if (LifetimeRules.WithinDelegation(seconds, proof, exchange.Now) is not { } clamped)
            {
                return ValueTask.FromResult(Verdict.Refuse(StsErrors.NoLifetime));
            }

            seconds = clamped;
        }

        seconds = WithinOrigin(exchange, seconds);
        exchange.LifetimeSeconds = seconds;
        return ValueTask.FromResult(seconds > 0 ? Verdict.Continue : Verdict.Refuse(StsErrors.NoLifetime));
    }

    // A mandate never outlives what it was made from; a resource mandate not its task Session either.
    private static long WithinOrigin(Exchange exchange, long seconds)
    {
        if (exchange.SubjectClaims is { } claims)
        {
            seconds = Math.Min(seconds, claims.ExpiresAt - exchange.Now.ToUnixTimeSeconds());
        }

        foreach (var end in (ReadOnlySpan<DateTimeOffset?>)
            [exchange.Application!.ExpiresAt, exchange.Record?.ExpiresAt, exchange.ReissueRecord?.ExpiresAt, exchange.IsGateway ? exchange.Session?.TaskEnd : null])
        {
            seconds = LifetimeRules.Until(end, exchange.Now, seconds);
        }

        return seconds;
    }
}
