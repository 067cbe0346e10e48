using System.Text.Json;
using Caracal.Authority.TokenExchange;
using Caracal.Authority.Upstreams;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Protocol.Exchange;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Health;
using Caracal.Sts.Zones;

namespace Caracal.Sts.Upstreams;

/// <summary>Opens a provider's secrets and makes the directive the Gateway acts on (sts.md 9.1).</summary>
internal sealed class ProviderCredentials(ZoneConfigurationStore store, KekRing kek, StsMetrics metrics)
{
    private static readonly Dictionary<string, string> NoSecrets = new(StringComparer.Ordinal);

    /// <summary>Null when the credential cannot be brokered, which the exchange answers with 502.</summary>
    public ValueTask<UpstreamDirective?> FindAsync(ZoneState zone, ExchangeResource resource, CancellationToken cancellationToken) =>
        zone.Directives.TryGetValue(resource.Id, out var known)
            ? ValueTask.FromResult<UpstreamDirective?>(known)
            : BuildAsync(zone, resource, cancellationToken);

    private async ValueTask<UpstreamDirective?> BuildAsync(ZoneState zone, ExchangeResource resource, CancellationToken cancellationToken)
    {
        UpstreamDirective? directive;
        if (string.IsNullOrEmpty(resource.ProviderId))
        {
            directive = UpstreamDirectiveRules.Mandate(resource.UpstreamUrl);
        }
        else if (zone.FindProvider(resource.ProviderId) is not { } provider)
        {
            return null;
        }
        else
        {
            var secrets = NeedsSecrets(provider.Kind) ? await OpenSecretsAsync(zone.ZoneId, provider.Id, cancellationToken) : NoSecrets;
            directive = secrets is null ? null : Build(resource, provider, secrets);
        }

        if (directive is not null)
        {
            directive = directive with { OperationsEnforced = resource.OperationsEnforced };
            zone.Directives[resource.Id] = directive;
        }

        return directive;
    }

    private static UpstreamDirective? Build(ExchangeResource resource, ProviderRow provider, Dictionary<string, string> secrets)
    {
        using var config = JsonDocument.Parse(provider.ConfigJson);
        return UpstreamDirectiveRules.Build(resource.UpstreamUrl, provider.Id, provider.Kind, config.RootElement, secrets);
    }

    private static bool NeedsSecrets(string kind) => kind is not ("none" or "caracal_mandate");

    // An absent document means no secrets; one that does not open means nothing may go out.
    private async Task<Dictionary<string, string>?> OpenSecretsAsync(string zoneId, string providerId, CancellationToken cancellationToken)
    {
        var reference = SealedLocations.ProviderSecret(zoneId, providerId);
        metrics.SecretRead();
        if (await store.ReadSecretAsync(reference, cancellationToken) is not { } envelope)
        {
            return NoSecrets;
        }

        if (Css1Envelope.Open(kek, reference, envelope, out var plaintext) != Css1Outcome.Opened)
        {
            metrics.SecretFailed();
            return null;
        }

        using (plaintext)
        {
            return Read(plaintext!.Memory);
        }
    }

    private static Dictionary<string, string>? Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var secrets = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (member.Value.ValueKind == JsonValueKind.String)
                {
                    secrets[member.Name] = member.Value.GetString()!;
                }
            }

            return secrets;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
