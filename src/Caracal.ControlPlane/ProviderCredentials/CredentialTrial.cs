using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.Authority.Upstreams;
using Caracal.ControlPlane.Providers;
using Caracal.Protocol.Exchange;
using Caracal.Storage.ProviderCredentials;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>Tries a credential where its kind is used: an OAuth client at its token endpoint, any other at a resource's upstream.</summary>
internal sealed class CredentialTrial(ProviderCheck check, CredentialCanary canary)
{
    /// <param name="provider">Whose credential it is.</param>
    /// <param name="config">The provider's configuration with the credential's public fields.</param>
    /// <param name="secrets">Its secrets.</param>
    /// <param name="target">Where to call; null for a token endpoint.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public Task<CheckResult> RunAsync(
        ProviderRow provider, string config, IReadOnlyDictionary<string, string> secrets, CanaryTarget? target, CancellationToken cancellationToken) =>
        target is null
            ? check.RunAsync(provider.ProviderKind, config, secrets, cancellationToken)
            : canary.RunAsync(DirectiveOf(provider, config, secrets, target), target, cancellationToken);

    private static UpstreamDirective? DirectiveOf(
        ProviderRow provider, string config, IReadOnlyDictionary<string, string> secrets, CanaryTarget target)
    {
        using var document = JsonDocument.Parse(config);
        return UpstreamDirectiveRules.Build(target.UpstreamUrl, provider.Id, provider.ProviderKind, document.RootElement, secrets);
    }
}
