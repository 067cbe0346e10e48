using Caracal.Evidence.Events;
using Caracal.Hosting.Http;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit.Tampering;

/// <summary>
/// <c>GET /api/audit/alerts</c>: what sweeps and ingest found, newest first; <c>zone_id</c> narrows it. <c>POST …/{id}/close</c>: a
/// person answers for a finding, and retention may go on.
/// </summary>
internal sealed class AlertsEndpoint(SweepStore store, AdminAccess access, DatabaseClock clock)
{
    private const int Most = 1000;

    public async Task CloseAsync(HttpContext context)
    {
        if (!await access.AllowsAsync(context)) return;
        try
        {
            var body = await TextBody.ReadAsync(context, "closed_by", "reason");
            if (body?["closed_by"] is not { } by || body["reason"] is not { } reason) await PlainText.WriteAsync(context, 400, AuditErrors.ClosingInvalid);
            else if (!await store.CloseAsync((string)context.Request.RouteValues["id"]!, by, reason, clock.Now, context.RequestAborted)) await PlainText.WriteAsync(context, 404, AuditErrors.AlertNotFound);
            else context.Response.StatusCode = 204;
        }
        catch (StorageUnavailableException)
        {
            await PlainText.WriteAsync(context, 500, AuditErrors.SearchFailed);
        }
    }

    public async Task HandleAsync(HttpContext context)
    {
        if (!await access.AllowsAsync(context)) return;
        var zone = (string?)context.Request.Query["zone_id"];
        try
        {
            var alerts = await store.AlertsAsync(string.IsNullOrEmpty(zone) ? null : zone, Most, context.RequestAborted);
            await ErrorBody.WriteJsonAsync(context.Response, writer =>
            {
                writer.WriteStartObject();
                writer.WriteStartArray("alerts"u8);
                foreach (var alert in alerts)
                {
                    writer.WriteStartObject();
                    writer.WriteString("id"u8, alert.Id);
                    writer.WriteString("zone_id"u8, alert.ZoneId);
                    writer.WriteString("kind"u8, alert.Kind);
                    writer.WriteString("event_id"u8, alert.EventId);
                    writer.WriteString("detail"u8, alert.Detail);
                    writer.WriteString("created_at"u8, Rfc3339.Microseconds(alert.CreatedAt));
                    writer.WriteString("closed_at"u8, alert.ClosedAt is { } at ? Rfc3339.Microseconds(at) : null);
                    writer.WriteString("closed_by"u8, alert.ClosedBy);
                    writer.WriteString("reason"u8, alert.Reason);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            });
        }
        catch (StorageUnavailableException)
        {
            await PlainText.WriteAsync(context, 500, AuditErrors.SearchFailed);
        }
    }
}
