using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Policies;

namespace Caracal.ControlPlane.Policies;

/// <summary>Policies on the wire (api.md 9).</summary>
internal static class PolicyJson
{
    public static void Write(Utf8JsonWriter writer, PolicyRow policy)
    {
        writer.WriteString("id", policy.Id);
        writer.WriteString("zone_id", policy.ZoneId);
        writer.WriteString("name", policy.Name);
        writer.WriteString("description", policy.Description);
        writer.Attribution(policy);
        writer.Times(policy);
    }

    public static void WriteVersion(Utf8JsonWriter writer, PolicyVersionRow version)
    {
        writer.WriteStartObject();
        writer.WriteString("id", version.Id);
        writer.WriteString("policy_id", version.PolicyId);
        writer.WriteNumber("version", version.Version);
        writer.WriteString("content", version.Content);
        writer.WriteString("content_sha256", version.ContentSha256);
        writer.WriteString("schema_version", version.SchemaVersion);
        writer.WriteString("created_by", version.CreatedBy);
        writer.Time("created_at", version.CreatedAt);
        writer.Time("archived_at", version.ArchivedAt);
        writer.WriteBoolean("created_via_operator", version.CreatedViaOperator);
        writer.WriteEndObject();
    }
}
