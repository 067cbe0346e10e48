using Caracal.Authority.TokenExchange;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 4, and the range part of step 20: checked before anything is decided or held (B2).</summary>
internal sealed class CheckLifetimeField(ExchangeParts parts) : IExchangeStep
{
    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var request = exchange.Request;
        if (!request.TtlIsInteger)
        {
            return ValueTask.FromResult(Verdict.Refuse(StsErrors.BadTtl));
        }

        // A signed call is not proved yet at this point; its cap is the lower one, so assuming it is safe.
        var gateway = request.IsGateway || exchange.GatewayProof is not null;
        return ValueTask.FromResult(LifetimeRules.IsInRange(request.TtlSeconds, gateway, parts.Settings.MaximumGrantSeconds)
            ? Verdict.Continue
            : Verdict.Refuse(StsErrors.TtlOutOfRange));
    }
}
