using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary>Policy sets on the wire (api.md 10).</summary>
internal static class PolicySetJson
{
    public static void Write(Utf8JsonWriter writer, PolicySetRow set)
    {
        WriteNew(writer, set);
        writer.WriteString("active_version_id", set.ActiveVersionId);
    }

    /// <summary>The row without what only a stored set has.</summary>
    public static void WriteNew(Utf8JsonWriter writer, PolicySetRow set)
    {
        writer.WriteString("id", set.Id);
        writer.WriteString("zone_id", set.ZoneId);
        writer.WriteString("name", set.Name);
        writer.WriteString("description", set.Description);
        writer.Attribution(set);
        writer.Times(set);
    }

    public static void WriteVersion(Utf8JsonWriter writer, PolicySetVersionRow version)
    {
        writer.WriteString("id", version.Id);
        writer.WriteString("version_id", version.Id);
        writer.WriteString("policy_set_id", version.PolicySetId);
        writer.WriteNumber("version", version.Version);
        writer.WriteString("manifest_sha256", version.ManifestSha256);
        writer.WriteString("schema_version", version.SchemaVersion);
        writer.WriteString("created_by", version.CreatedBy);
        writer.WriteBoolean("created_via_operator", version.CreatedViaOperator);
        writer.Time("created_at", version.CreatedAt);
    }
}
