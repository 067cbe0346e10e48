using Caracal.Keys.Signatures;
using Caracal.Storage.TokenExchange;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 5: any Gateway header makes the call a signed one, which must then hold entirely (sts.md 5).</summary>
internal sealed class VerifyGatewaySignature(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        if (exchange.GatewayProof is not { } proof)
        {
            return Verdict.Continue;
        }

        // gateway_request_id ties the form to this very call, whose id must be the one that was sent.
        var bound = proof.RequestIdHeader == exchange.RequestId && exchange.Request.GatewayRequestId == exchange.RequestId;
        if (!bound || !await SignedCall.VerifyAsync(proof, parts.Settings.GatewayKeys, parts.State, parts.Clock, cancellationToken))
        {
            await ReportAsync(exchange, cancellationToken);
            return StsErrors.BadGatewaySignature;
        }

        exchange.Request = exchange.Request with { IsGateway = true };
        return Verdict.Continue;
    }

    // B13: recorded for zones that exist; anything else would let strangers fill the ledger with made-up chains.
    private async Task ReportAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        exchange.Now = parts.Clock.Now;
        if (exchange.Request.ZoneId is { } zone && await parts.Configuration.ReadVersionAsync(zone, cancellationToken) > 0)
        {
            exchange.Lookup = new ExchangeLookup(zone, null, null, null);
            await parts.Audit.GatewaySignatureInvalidAsync(exchange, cancellationToken);
        }
    }
}
