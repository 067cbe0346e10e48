using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.Providers;

/// <summary>A provider on the wire (api.md 7): secrets are named, never shown.</summary>
internal static class ProviderJson
{
    public static void Write(Utf8JsonWriter writer, ProviderRow provider)
    {
        writer.WriteString("id", provider.Id);
        writer.WriteString("zone_id", provider.ZoneId);
        writer.WriteString("name", provider.Name);
        writer.WriteString("identifier", provider.Identifier);
        writer.WriteString("kind", provider.ProviderKind);
        writer.Document("config_json", provider.ConfigJson);
        writer.Texts("secret_config_keys", provider.SecretConfigKeys);
        writer.Time("connectivity_failed_at", provider.ConnectivityFailedAt);
        writer.WriteNumber("credential_version", provider.CredentialVersion);
        writer.Time("credential_observed_until", provider.CredentialObservedUntil);
        writer.Attribution(provider);
        writer.Times(provider);
        writer.Time("archived_at", provider.ArchivedAt);
    }

    public static Action<Utf8JsonWriter> Of(ProviderRow provider) => JsonRows.Object(writer => Write(writer, provider));
}
