using System.Text.Json;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Evidence.Events;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.ApprovalDecisions;

namespace Caracal.ControlPlane.Approvals;

/// <summary><c>POST …/approvals/{id}/approve|reject</c>: one guarded update, its audit event, and the wake-up of who waits.</summary>
internal sealed class DecideApproval(Changes changes)
{
    private const string WakeChannel = "caracal_approval_decided";

    public Task<Answer> ApproveAsync(ApiCall call) => DecideAsync(call, approve: true);

    public Task<Answer> RejectAsync(ApiCall call) => DecideAsync(call, approve: false);

    private async Task<Answer> DecideAsync(ApiCall call, bool approve)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidBody);
        var reason = fields.NullableText("reason", 0, 500);
        if (fields.Problem() is { } problem) return problem;
        var approver = call.Caller.AccountId is { } account ? $"console:{account}" : $"admin:{call.Caller.TokenId}";
        return await changes.ApplyAsync(call, async work =>
        {
            var decided = await ApprovalDecisionStore.DecideAsync(work, call.ZoneId, call.Id, approve, approver, reason, call.Now);
            var row = await ApprovalDecisionStore.FindAsync(work.Connection, call.ZoneId, call.Id);
            if (row is null) return ControlPlaneErrors.ApprovalNotFound;
            if (!decided) return Undecidable(row, call.Now);
            await AnnounceAsync(work, call, row, approve, approver, reason);
            work.Notify(WakeChannel, row.Id);
            return Answer.Ok(JsonRows.Object(writer =>
            {
                writer.WriteString("id", row.Id);
                writer.WriteString("state", approve ? "approved" : "rejected");
                writer.Time("satisfied_at", row.SatisfiedAt);
                writer.Time("rejected_at", row.RejectedAt);
                writer.WriteString("approver_subject_id", row.ApproverSubjectId);
            }));
        });
    }

    private static Answer Undecidable(ApprovalRow row, DateTimeOffset now) =>
        row.ApproverClass == "subject"
            ? ControlPlaneErrors.SubjectApprovalRequired
            : Answer.Of(ControlPlaneErrors.ApprovalNotDecidable.Status, JsonRows.Object(writer =>
            {
                writer.WriteString("error", ControlPlaneErrors.ApprovalNotDecidable.Code);
                writer.WriteString("state", row.StateAt(now));
            }));

    private Task<string> AnnounceAsync(Work work, ApiCall call, ApprovalRow row, bool approve, string approver, string? reason) =>
        changes.AnnounceAuditAsync(work, new AuditEvent
        {
            Id = Ids.New(),
            ZoneId = call.ZoneId,
            EventType = AuditEventTypes.StepUpDecided,
            RequestId = call.RequestId,
            Decision = approve ? AuditDecisions.Approved : AuditDecisions.Rejected,
            MetadataJson = Metadata(row, approver, reason),
            OccurredAt = call.Now,
        });

    private static byte[] Metadata(ApprovalRow row, string approver, string? reason)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)
            [
                ("challenge_id", row.Id),
                ("tier", row.Tier ?? ""),
                ("approver_class", row.ApproverClass),
                ("privacy_mode", row.PrivacyMode),
                ("binding", Convert.ToHexStringLower(row.ResourceSetHash)),
                ("session_id", row.SessionId),
                ("approver_plane", "operator"),
                ("approver_subject_id", approver),
                ("application_id", row.ApplicationId),
                ("subject_anchor", row.SubjectAnchor),
                ("reason", reason),
            ])
            {
                if (value is not null) writer.WriteString(name, value);
            }

            using var stored = JsonDocument.Parse(row.MetadataJson.Value);
            if (stored.RootElement.ValueKind == JsonValueKind.Object && stored.RootElement.TryGetProperty("agent_labels", out var labels))
            {
                writer.WritePropertyName("agent_labels");
                labels.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
