using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.Authority.TokenExchange;
using Caracal.Authority.Upstreams;
using Caracal.Protocol.Exchange;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Providers;
using Caracal.Sts.Zones;

namespace Caracal.Sts.Upstreams;

/// <summary>Makes the directive the Gateway acts on, with the credential in it (sts.md 9.1).</summary>
internal sealed class ProviderCredentials(ProviderSecrets secrets, ClientTokens tokens)
{
    /// <summary>
    /// The directive of a resource; <paramref name="connection"/> is the token of a user-consent provider. Null when the
    /// credential cannot be brokered, which the exchange answers with 502.
    /// </summary>
    public ValueTask<UpstreamDirective?> FindAsync(
        ZoneState zone, ExchangeResource resource, ConnectionOutcome connection, CancellationToken cancellationToken) =>
        zone.Directives.TryGetValue(resource.Id, out var known) && !IsTemplate(known)
            ? ValueTask.FromResult<UpstreamDirective?>(known)
            : BuildAsync(zone, resource, known, connection, cancellationToken);

    private async ValueTask<UpstreamDirective?> BuildAsync(
        ZoneState zone, ExchangeResource resource, UpstreamDirective? known, ConnectionOutcome connection, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(resource.ProviderId))
        {
            return zone.Directives[resource.Id] =
                UpstreamDirectiveRules.Mandate(resource.UpstreamUrl) with { OperationsEnforced = resource.OperationsEnforced };
        }

        if (zone.FindProvider(resource.ProviderId) is not { } provider)
        {
            return null;
        }

        if ((known ?? await ReadAsync(zone, resource, provider, cancellationToken)) is not { } directive)
        {
            return null;
        }

        directive = directive with { OperationsEnforced = resource.OperationsEnforced };
        zone.Directives[resource.Id] = directive;
        return IsTemplate(directive) ? await FillAsync(zone, provider, directive, connection, cancellationToken) : directive;
    }

    // An OAuth provider's directive is stored without a token, which is fetched for each call.
    private static bool IsTemplate(UpstreamDirective directive) => directive is { AuthMode: "provider_oauth", ProviderToken: null };

    private async ValueTask<UpstreamDirective?> ReadAsync(
        ZoneState zone, ExchangeResource resource, ProviderRow provider, CancellationToken cancellationToken)
    {
        if (await secrets.OpenAsync(zone.ZoneId, provider, cancellationToken) is not { } opened)
        {
            return null;
        }

        // What an upstream says to an OAuth token is not about the client's credential: only its token endpoint judges that.
        using var config = JsonDocument.Parse(opened.ConfigJson);
        return UpstreamDirectiveRules.Build(resource.UpstreamUrl, provider.Id, provider.Kind, config.RootElement, opened.Secrets) is { } directive
            ? directive with { Watch = ProviderKinds.IsOAuth(provider.Kind) ? null : opened.Watch }
            : null;
    }

    private async ValueTask<UpstreamDirective?> FillAsync(
        ZoneState zone, ProviderRow provider, UpstreamDirective directive, ConnectionOutcome connection, CancellationToken cancellationToken)
    {
        var token = connection.Token;
        if (provider.Kind == ProviderKinds.ClientCredentials)
        {
            token = await secrets.ClientAsync(zone, provider, cancellationToken) is { } client
                ? await tokens.FindAsync(provider.Id, client, cancellationToken)
                : null;
        }

        return token is null
            ? null
            : directive with
            {
                ProviderToken = token.Token,
                ConnectionId = connection.ConnectionId,
                ExpiresAt = token.ExpiresAt?.ToUnixTimeSeconds(),
            };
    }
}
