using System.Text.Json;
using Caracal.Evidence.Events;
using Caracal.Protocol;
using Caracal.Storage.Approvals;

namespace Caracal.Sts.Audit;

/// <summary>The <c>metadata_json</c> of step-up events (sts.md 11).</summary>
internal static class StepUpMetadata
{
    private static readonly string[] Copied = ["agent_session_id", "delegation_edge_id", "agent_labels"];

    public static ReadOnlyMemory<byte> Write(Hold hold) => AuditJson.Object(hold, static (writer, h) => WriteHold(writer, h));

    /// <summary>A decision made by the person behind the request.</summary>
    public static ReadOnlyMemory<byte> WriteDecided(Hold hold, string approverRecordId) =>
        AuditJson.Object((hold, approverRecordId), static (writer, state) =>
        {
            WriteHold(writer, state.hold);
            writer.WriteString("approver_plane"u8, "subject"u8);
            writer.WriteString("approver_session_id"u8, state.approverRecordId);
        });

    private static void WriteHold(Utf8JsonWriter writer, Hold h)
    {
        writer.WriteString("challenge_id"u8, h.Id);
        writer.WriteString("tier"u8, h.Tier);
        writer.WriteString("approver_class"u8, h.ApproverClass);
        writer.WriteString("privacy_mode"u8, h.PrivacyMode);
        writer.WriteString("binding"u8, Convert.ToHexStringLower(h.ResourceSetHash));
        writer.WriteString("expires_at"u8, Timestamps.Seconds(h.ExpiresAt));
        WriteOptional(writer, "subject_anchor"u8, h.SubjectAnchor);
        WriteOptional(writer, "application_id"u8, h.ApplicationId);
        WriteOptional(writer, "session_id"u8, h.SessionId);
        using var metadata = JsonDocument.Parse(h.MetadataJson);
        foreach (var name in Copied)
        {
            if (metadata.RootElement.TryGetProperty(name, out var value))
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }
        }
    }

    public static ReadOnlyMemory<byte> WriteReissued(Hold hold, string recordId) =>
        AuditJson.Object((hold, recordId), static (writer, state) =>
        {
            writer.WriteString("challenge_id"u8, state.hold.Id);
            writer.WriteBoolean("reissued"u8, true);
            writer.WriteString("authority_record_id"u8, state.recordId);
        });

    private static void WriteOptional(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            writer.WriteString(name, value);
        }
    }
}
