using Caracal.Evidence.Events;
using Caracal.Hosting.Http;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit.Tampering;

/// <summary><c>GET /api/audit/alerts</c>: what sweeps and ingest found, newest first; <c>zone_id</c> narrows it.</summary>
internal sealed class AlertsEndpoint(SweepStore store, AdminAccess access)
{
    private const int Most = 1000;

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
