using Caracal.Protocol.Exchange;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 22: for the Gateway only, how to call each granted resource's upstream.</summary>
internal sealed class BuildUpstreams(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        if (!exchange.IsGateway)
        {
            return Verdict.Continue;
        }

        exchange.Upstreams = new Dictionary<string, UpstreamDirective>(exchange.Granted.Count, StringComparer.Ordinal);
        foreach (var resource in exchange.Granted)
        {
            var connection = exchange.Connections?.GetValueOrDefault(resource.Id) ?? default;
            if (await parts.Credentials.FindAsync(exchange.Zone!, resource, connection, cancellationToken) is not { } directive)
            {
                await parts.Audit.DenyAsync(exchange, "provider_credential_unavailable", cancellationToken, resource.Identifier);
                return StsErrors.CredentialFailed;
            }

            exchange.Upstreams[resource.Identifier] = exchange.Delegation is { Budgeted.IsEmpty: false } delegation
                ? directive with { BudgetEdges = delegation.Budgeted }
                : directive;
        }

        return Verdict.Continue;
    }
}
