using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.ApprovalDecisions;

namespace Caracal.ControlPlane.Approvals;

/// <summary>A hold on the wire (api.md 11.6).</summary>
internal static class ApprovalJson
{
    public static Action<Utf8JsonWriter, ApprovalRow> At(DateTimeOffset now) => (writer, row) =>
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("zone_id", row.ZoneId);
        writer.WriteString("session_id", row.SessionId.Length == 0 ? null : row.SessionId);
        writer.WriteString("principal_id", row.PrincipalId);
        writer.WriteString("application_id", row.ApplicationId);
        writer.WriteString("approval_type", "human_approval");
        writer.WriteString("tier", row.Tier);
        writer.WriteString("approver_class", row.ApproverClass);
        writer.WriteString("privacy_mode", row.PrivacyMode);
        writer.WriteString("subject_anchor", row.SubjectAnchor);
        writer.WriteString("binding", Convert.ToHexStringLower(row.ResourceSetHash));
        writer.Document("metadata_json", row.MetadataJson);
        writer.WriteString("decision_reason", row.DecisionReason);
        writer.Time("created_at", row.CreatedAt);
        writer.Time("expires_at", row.ExpiresAt);
        writer.Time("satisfied_at", row.SatisfiedAt);
        writer.Time("rejected_at", row.RejectedAt);
        writer.Time("consumed_at", row.ConsumedAt);
        writer.WriteString("approver_subject_id", row.ApproverSubjectId);
        writer.WriteBoolean("principal_federated", row.PrincipalFederated);
        writer.WriteNumber("prior_approved", row.PriorApproved);
        writer.WriteNumber("prior_rejected", row.PriorRejected);
        writer.WriteString("state", row.StateAt(now));
    };
}
