using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.Egress.Providers;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Protocol.Exchange;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Health;
using Caracal.Sts.Zones;

namespace Caracal.Sts.Providers;

/// <summary>A provider's configuration with its secrets; prints none of it.</summary>
/// <param name="ConfigJson">The public part these secrets belong to.</param>
/// <param name="Secrets">By field name.</param>
/// <param name="Version">Of the credential.</param>
/// <param name="Watch">Set while answers to it are counted.</param>
internal sealed record OpenedProvider(string ConfigJson, Dictionary<string, string> Secrets, long Version, CredentialWatch? Watch)
{
    public override string ToString() => "***";
}

/// <summary>Opens what is sealed about a provider.</summary>
internal sealed class ProviderSecrets(ZoneConfigurationStore store, KekRing kek, StsMetrics metrics)
{
    private static readonly Dictionary<string, string> None = new(StringComparer.Ordinal);

    /// <summary>The provider as it is now, with its secrets. An absent document means no secrets; null means that it does not open, and nothing may go out.</summary>
    public async ValueTask<OpenedProvider?> OpenAsync(string zoneId, ProviderRow provider, CancellationToken cancellationToken)
    {
        if (provider.Kind is ProviderKinds.None or ProviderKinds.CaracalMandate)
        {
            return new OpenedProvider(provider.ConfigJson, None, 1, null);
        }

        var reference = SealedLocations.ProviderSecret(zoneId, provider.Id);
        metrics.SecretRead();
        if (await store.ReadProviderAsync(zoneId, provider.Id, reference, cancellationToken) is not { } stored)
        {
            return null;
        }

        var watch = stored.CredentialObservedUntil is { } until
            ? new CredentialWatch(provider.Id, stored.CredentialVersion, until.ToUnixTimeSeconds())
            : null;
        if (stored.Envelope is null)
        {
            return new OpenedProvider(stored.ConfigJson, None, stored.CredentialVersion, watch);
        }

        if (Css1Envelope.Open(kek, reference, stored.Envelope, out var plaintext) != Css1Outcome.Opened)
        {
            metrics.SecretFailed();
            return null;
        }

        using (plaintext)
        {
            return Read(plaintext!.Memory) is { } secrets ? new OpenedProvider(stored.ConfigJson, secrets, stored.CredentialVersion, watch) : null;
        }
    }

    /// <summary>The client of an OAuth provider, remembered for this version of the zone; null when it cannot be used.</summary>
    public async ValueTask<OAuthCredentials?> ClientAsync(ZoneState zone, ProviderRow provider, CancellationToken cancellationToken)
    {
        if (zone.Clients.TryGetValue(provider.Id, out var known))
        {
            return known;
        }

        if (!ProviderKinds.IsOAuth(provider.Kind) || await OpenAsync(zone.ZoneId, provider, cancellationToken) is not { } opened)
        {
            return null;
        }

        using var config = JsonDocument.Parse(opened.ConfigJson);
        if (OAuthClient.TryRead(provider.Kind, config.RootElement) is not { } client
            || OAuthCredentials.TryCreate(client, provider.Kind, opened.ConfigJson, opened.Secrets) is not { } credentials)
        {
            return null;
        }

        return zone.Clients[provider.Id] = credentials.Of(provider.Id, opened.Version, opened.Watch);
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
