using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.AuditReads;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.AuditReads;

/// <summary><c>GET …/audit</c> (api.md 11.8).</summary>
internal sealed class ListAuditEvents(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var filter = new AuditEventFilter
        {
            Since = call.Query.Time("since"),
            Until = call.Query.Time("until"),
            RequestId = call.Query.Text("request_id", 128),
            Decision = call.Query.OneOf("decision", "allow", "deny", "partial", "pending", "approved", "rejected", "consumed"),
            EventTypes = call.Query.Texts("event_type", most: 16),
            ApplicationId = call.Query.Text("application_id", 128),
            SessionId = call.Query.Text("session_id", 128),
            AuthorityRecordId = call.Query.Text("authority_record_id", 128),
            Label = call.Query.Text("label", 64),
        };
        call.Query.OneOf("format", "json", "csv");
        var page = call.Page(100, 1000);
        var fields = FieldList.Read(call, AuditEventJson.Columns);
        if ((call.Query.Problem ?? page.Problem ?? fields.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(
            connection => AuditEventReads.ListAsync(connection, database.Dialect, call.ZoneId, filter, page.Query), call.Cancelled);
        return FlatList.Of(
            call, "audit", fields, rows, page.Query, row => new Keyset(row.OccurredAt, row.Id), AuditEventJson.Write, AuditEventJson.Flatten);
    }
}
