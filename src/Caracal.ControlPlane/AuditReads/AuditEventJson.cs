using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.AuditReads;

namespace Caracal.ControlPlane.AuditReads;

/// <summary>A ledger row on the wire: whole, or field by field (api.md 11.8).</summary>
internal static class AuditEventJson
{
    /// <summary>Columns of the CSV and names for <c>fields</c>, in the specification's order; the later ones live in the metadata.</summary>
    public static readonly string[] Columns =
    [
        "id", "occurred_at", "event_type", "decision", "evaluation_status", "request_id", "ingested_at", "policy_set_id",
        "policy_set_version_id", "manifest_sha", "determining_policies", "application_id", "application_name", "resource",
        "requested_scopes", "agent_session_id", "agent_lifecycle", "agent_labels", "delegation_edge_id", "delegation_hop_count", "method",
        "latency_ms", "upstream_status", "result_class", "reason", "trace_id", "provider_id", "connection_id", "upstream_host",
        "gateway_status", "error_kind", "response_bytes", "auth_mode", "subject_fingerprint", "subject", "authorized_by", "command",
        "subcommand", "challenge_id", "tier", "approver_class", "privacy_mode", "approver_subject_id", "subject_anchor", "subject_kind",
        "federated_user_issuer",
    ];

    public static void Write(Utf8JsonWriter writer, AuditEventRow row)
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("zone_id", row.ZoneId);
        writer.WriteString("event_type", row.EventType);
        writer.WriteString("request_id", row.RequestId);
        writer.WriteString("decision", row.Decision);
        writer.WriteString("policy_set_id", row.PolicySetId);
        writer.WriteString("policy_set_version_id", row.PolicySetVersionId);
        writer.WriteString("manifest_sha", row.ManifestSha);
        writer.WriteString("evaluation_status", row.EvaluationStatus);
        writer.Document("determining_policies_json", row.DeterminingPoliciesJson);
        writer.Document("diagnostics_json", row.DiagnosticsJson);
        WriteMetadata(writer, "metadata_json", row);
        writer.Time("occurred_at", row.OccurredAt);
        writer.Time("ingested_at", row.IngestedAt);
    }

    public static void WriteMetadata(Utf8JsonWriter writer, string name, AuditEventRow row)
    {
        writer.WritePropertyName(name);
        if (Parse(row.MetadataJson) is { } metadata) MetadataRedaction.Write(writer, metadata);
        else writer.WriteNullValue();
    }

    public static FlatRow Flatten(AuditEventRow row)
    {
        var metadata = Parse(row.MetadataJson);
        return field => field switch
        {
            "id" => row.Id,
            "occurred_at" => row.OccurredAt,
            "event_type" => row.EventType,
            "decision" => row.Decision,
            "evaluation_status" => row.EvaluationStatus,
            "request_id" => row.RequestId,
            "ingested_at" => row.IngestedAt,
            "policy_set_id" => row.PolicySetId,
            "policy_set_version_id" => row.PolicySetVersionId,
            "manifest_sha" => row.ManifestSha,
            "determining_policies" => PolicyNames(row),
            _ => metadata is { ValueKind: JsonValueKind.Object } found && found.TryGetProperty(field, out var value) ? value : null,
        };
    }

    /// <summary>A stored document; null when there is none.</summary>
    public static JsonElement? Parse(JsonText? document)
    {
        if (document is not { Value: { } text }) return null;
        using var parsed = JsonDocument.Parse(text);
        return parsed.RootElement.Clone();
    }

    private static List<string> PolicyNames(AuditEventRow row) =>
        Parse(row.DeterminingPoliciesJson) is { ValueKind: JsonValueKind.Array } policies
            ? [.. policies.EnumerateArray()
                .Where(policy => policy.ValueKind == JsonValueKind.Object)
                .Select(policy => policy.TryGetProperty("policy", out var name) ? name.ToString() : "")
                .Where(name => name.Length > 0)]
            : [];
}
