using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.KillSwitch;
using Caracal.Storage.KillSwitch;

namespace Caracal.ControlPlane.Subjects;

/// <summary><c>POST …/subjects/revoke</c>: the kill switch. Ends everything a subject holds in the zone, at once and together.</summary>
internal sealed class RevokeSubject(Changes changes, EndAuthority endAuthority)
{
    private const string DefaultReason = "subject_revoked";

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidSubjectRevoke);
        var subjectId = fields.Text("subject_id", 1, 512);
        var reason = fields.NullableText("reason", 0, 512);
        if (fields.Problem() is { } problem) return problem;
        return await changes.ApplyAsync(call, async work =>
        {
            if (!await KillSwitchStore.SubjectKnownAsync(work, call.ZoneId, subjectId)) return ControlPlaneErrors.SubjectNotFound;
            var records = await KillSwitchStore.RecordsOfSubjectAsync(work, call.ZoneId, subjectId);
            var killed = await endAuthority.EndAsync(
                work, call.RequestId, call.ZoneId, records, [], string.IsNullOrWhiteSpace(reason) ? DefaultReason : reason, call.Now);
            var connections = await KillSwitchStore.RevokeConnectionsAsync(work, call.ZoneId, subjectId, call.Now);
            await changes.AppendAsync(work, AdminAuditRecords.Summary(
                call,
                "subject revoke",
                "subjects",
                subjectId,
                writer =>
                {
                    writer.WriteNumber("authority_records", killed.Records.Count);
                    writer.WriteNumber("sessions", killed.Sessions.Count);
                    writer.WriteNumber("delegations", killed.Edges.Count);
                    writer.WriteNumber("connections", connections);
                },
                call.Now));
            return Answer.Ok(JsonRows.Object(writer =>
            {
                writer.WriteString("subject_id", subjectId);
                writer.WriteNumber("authority_records", killed.Records.Count);
                writer.WriteNumber("sessions", killed.Sessions.Count);
                writer.WriteNumber("delegations", killed.Edges.Count);
                writer.WriteNumber("connections", connections);
            }));
        });
    }
}
