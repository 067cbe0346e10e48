using Caracal.Authority.Providers;
using Caracal.Authority.TokenExchange;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Approvals;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 8 of the per-resource loop: the provider a Gateway exchange needs, and for user consent a token that holds (sts.md 2.2).</summary>
internal static class ResolveConnection
{
    /// <summary>Null when the resource may go on; else the deny status of its event and what says more.</summary>
    public static async ValueTask<(string Status, string? Reason)?> RunAsync(
        ExchangeParts parts, Exchange exchange, ExchangeResource resource, CancellationToken cancellationToken)
    {
        if (!exchange.IsGateway || resource.ProviderId is not { } id)
        {
            return null;
        }

        if (exchange.Zone!.FindProvider(id) is not { } provider)
        {
            return ("provider_unavailable", null);
        }

        return provider.Kind == ProviderKinds.AuthorizationCode
            ? await ConnectAsync(parts, exchange, resource, provider, cancellationToken)
            : null;
    }

    private static async ValueTask<(string Status, string? Reason)?> ConnectAsync(
        ExchangeParts parts, Exchange exchange, ExchangeResource resource, ProviderRow provider, CancellationToken cancellationToken)
    {
        // The person behind the call, where there is one: an agent acts for a user through that user's Session.
        var subject = Bindings.SubjectAnchor(exchange) ?? exchange.SubjectClaims?.Subject;
        var client = await parts.Secrets.ClientAsync(exchange.Zone!, provider, cancellationToken);
        var outcome = await parts.Connections.FindAsync(exchange.ZoneId, provider.Id, client, subject, cancellationToken);
        if (outcome.Token is null)
        {
            exchange.ProviderRefusal ??= outcome.Refusal ?? StsErrors.NotProvisioned;
            return (outcome.Status ?? "credential_not_provisioned", outcome.Reason);
        }

        (exchange.Connections ??= new(StringComparer.Ordinal))[resource.Id] = outcome;
        return null;
    }
}
