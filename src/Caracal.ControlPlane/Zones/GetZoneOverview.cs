using System.Text.Json;
using Caracal.ControlPlane.AuditReads;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.AuditReads;
using Caracal.Storage.Lists;
using Caracal.Storage.Overview;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Zones;

/// <summary><c>GET /v1/zones/{id}/overview</c> (api.md 4.1).</summary>
internal sealed class GetZoneOverview(Database database)
{
    private const int Events = 10;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var (exists, figures, events) = await database.ReadSnapshotAsync(
            async connection => (
                await ZoneStore.ExistsAsync(connection, call.ZoneId),
                await ZoneOverviewReads.FiguresAsync(connection, call.ZoneId, call.Now),
                await AuditEventReads.ListAsync(connection, database.Dialect, call.ZoneId, new AuditEventFilter(), new PageQuery(Keyset.Top, Events))),
            call.Cancelled);
        if (!exists) return ControlPlaneErrors.ZoneNotFound;
        return Answer.Ok(JsonRows.Object(writer =>
        {
            writer.WriteString("zone_id", call.ZoneId);
            writer.Time("generated_at", call.Now);
            Numbers(writer, "applications", ("total", figures.Applications), ("expired", figures.ExpiredApplications), ("expiring_soon", figures.ExpiringApplications));
            Numbers(writer, "resources", ("total", figures.Resources), ("unenforced", figures.UnenforcedResources));
            Numbers(writer, "providers", ("total", figures.Providers));
            writer.WriteStartObject("policy_sets");
            writer.WriteNumber("total", figures.PolicySets);
            writer.WriteNumber("enforcing", figures.ActiveName is null ? 0 : 1);
            writer.WriteString("active_name", figures.ActiveName);
            writer.WriteEndObject();
            Numbers(writer, "sessions", ("active", figures.ActiveRecords));
            Numbers(writer, "decisions_24h", ("allowed", figures.Allowed), ("denied", figures.Denied));
            writer.Rows("recent_events", events, WriteEvent);
        }));
    }

    private static void Numbers(Utf8JsonWriter writer, string name, params ReadOnlySpan<(string Name, long Value)> numbers)
    {
        writer.WriteStartObject(name);
        foreach (var (member, value) in numbers) writer.WriteNumber(member, value);
        writer.WriteEndObject();
    }

    private static void WriteEvent(Utf8JsonWriter writer, AuditEventRow row)
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("event_type", row.EventType);
        writer.WriteString("request_id", row.RequestId);
        writer.WriteString("decision", row.Decision);
        writer.WritePropertyName("metadata_json");
        if (row.MetadataJson is { Value: { } text })
        {
            using var metadata = JsonDocument.Parse(text);
            MetadataRedaction.Write(writer, metadata.RootElement);
        }
        else
        {
            writer.WriteNullValue();
        }

        writer.Time("occurred_at", row.OccurredAt);
    }
}
