using System.Text.Json;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Search;

/// <summary>A stored event in the form in which it came (audit.md 2); read again, it gives the content hash of its row.</summary>
internal static class EventJson
{
    public static void Write(Utf8JsonWriter writer, LedgerEntry entry)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, entry.Id);
        writer.WriteString("zone_id"u8, entry.ZoneId);
        writer.WriteString("event_type"u8, entry.EventType);
        writer.WriteString("request_id"u8, entry.RequestId);
        writer.WriteString("decision"u8, entry.Decision);
        WriteIfPresent(writer, "policy_set_id"u8, entry.PolicySetId);
        WriteIfPresent(writer, "policy_set_version_id"u8, entry.PolicySetVersionId);
        WriteIfPresent(writer, "manifest_sha"u8, entry.ManifestSha);
        writer.WriteString("evaluation_status"u8, entry.EvaluationStatus);
        WriteJson(writer, "determining_policies_json"u8, entry.DeterminingPoliciesJson);
        WriteJson(writer, "diagnostics_json"u8, entry.DiagnosticsJson);
        WriteJson(writer, "metadata_json"u8, entry.MetadataJson);
        writer.WriteString("occurred_at"u8, Rfc3339.Microseconds(entry.OccurredAt));
        writer.WriteEndObject();
    }

    private static void WriteIfPresent(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    private static void WriteJson(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? json)
    {
        writer.WritePropertyName(name);
        writer.WriteRawValue(json ?? "null");
    }
}
