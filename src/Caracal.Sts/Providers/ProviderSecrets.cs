using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.Egress.Providers;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Health;
using Caracal.Sts.Zones;

namespace Caracal.Sts.Providers;

/// <summary>Opens what is sealed about a provider.</summary>
internal sealed class ProviderSecrets(ZoneConfigurationStore store, KekRing kek, StsMetrics metrics)
{
    private static readonly Dictionary<string, string> None = new(StringComparer.Ordinal);

    /// <summary>The provider's secrets. An absent document means no secrets; null means that it does not open, and nothing may go out.</summary>
    public async ValueTask<Dictionary<string, string>?> OpenAsync(string zoneId, ProviderRow provider, CancellationToken cancellationToken)
    {
        if (provider.Kind is ProviderKinds.None or ProviderKinds.CaracalMandate)
        {
            return None;
        }

        var reference = SealedLocations.ProviderSecret(zoneId, provider.Id);
        metrics.SecretRead();
        if (await store.ReadSecretAsync(reference, cancellationToken) is not { } envelope)
        {
            return None;
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

    /// <summary>The client of an OAuth provider, remembered for this version of the zone; null when it cannot be used.</summary>
    public async ValueTask<OAuthCredentials?> ClientAsync(ZoneState zone, ProviderRow provider, CancellationToken cancellationToken)
    {
        if (zone.Clients.TryGetValue(provider.Id, out var known))
        {
            return known;
        }

        using var config = JsonDocument.Parse(provider.ConfigJson);
        if (OAuthClient.TryRead(provider.Kind, config.RootElement) is not { } client
            || await OpenAsync(zone.ZoneId, provider, cancellationToken) is not { } secrets
            || OAuthCredentials.TryCreate(client, provider.Kind, provider.ConfigJson, secrets) is not { } credentials)
        {
            return null;
        }

        zone.Clients[provider.Id] = credentials;
        return credentials;
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
