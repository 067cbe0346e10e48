using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Resources;

namespace Caracal.ControlPlane.Resources;

/// <summary>A resource on the wire (api.md 8).</summary>
internal static class ResourceJson
{
    public static void Write(Utf8JsonWriter writer, ResourceRow resource)
    {
        writer.WriteString("id", resource.Id);
        writer.WriteString("zone_id", resource.ZoneId);
        writer.WriteString("name", resource.Name);
        writer.WriteString("identifier", resource.Identifier);
        writer.WriteString("upstream_url", resource.UpstreamUrl);
        writer.Texts("scopes", resource.Scopes);
        writer.WriteString("credential_provider_id", resource.CredentialProviderId);
        writer.Document("operations", resource.Operations);
        writer.WriteString("operation_enforcement", resource.OperationEnforcement);
        writer.Attribution(resource);
        writer.Times(resource);
        writer.Time("archived_at", resource.ArchivedAt);
    }

    public static Action<Utf8JsonWriter> Of(ResourceRow resource) => JsonRows.Object(writer => Write(writer, resource));
}
