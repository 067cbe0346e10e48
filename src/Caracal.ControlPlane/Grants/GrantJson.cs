using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Grants;

namespace Caracal.ControlPlane.Grants;

/// <summary>A delegated grant on the wire (api.md 11.1).</summary>
internal static class GrantJson
{
    public static void Write(Utf8JsonWriter writer, GrantRow grant) => Write(writer, grant, joined: false);

    /// <summary>The list's form, with the names of what it joins.</summary>
    public static void WriteJoined(Utf8JsonWriter writer, GrantRow grant) => Write(writer, grant, joined: true);

    private static void Write(Utf8JsonWriter writer, GrantRow grant, bool joined)
    {
        writer.WriteString("id", grant.Id);
        writer.WriteString("zone_id", grant.ZoneId);
        writer.WriteString("application_id", grant.ApplicationId);
        writer.WriteString("user_id", grant.UserId);
        writer.WriteString("resource_id", grant.ResourceId);
        if (joined)
        {
            writer.WriteString("provider_id", grant.ProviderId);
            writer.WriteString("application_name", grant.ApplicationName);
            writer.WriteString("resource_name", grant.ResourceName);
            writer.WriteString("provider_name", grant.ProviderName);
            writer.WriteString("provider_kind", grant.ProviderKind);
        }

        writer.Texts("scopes", grant.Scopes);
        writer.WriteString("status", grant.Status);
        writer.Attribution(grant);
        writer.Time("created_at", grant.CreatedAt);
    }
}
