using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.NotificationSinks;

namespace Caracal.ControlPlane.NotificationSinks;

/// <summary>A sink and its deliveries on the wire (api.md 11.7).</summary>
internal static class SinkJson
{
    public static Action<Utf8JsonWriter> Of(SinkRow row, string? secret = null) => JsonRows.Object(writer =>
    {
        Write(writer, row);
        if (secret is not null) writer.WriteString("secret", secret);
    });

    public static void Write(Utf8JsonWriter writer, SinkRow row)
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("zone_id", row.ZoneId);
        writer.WriteString("name", row.Name);
        writer.WriteString("url", row.Url);
        writer.Texts("event_types", row.EventTypes);
        writer.WriteBoolean("active", row.Active);
        writer.WriteNumber("consecutive_failures", row.ConsecutiveFailures);
        writer.Time("last_success_at", row.LastSuccessAt);
        writer.Time("last_failure_at", row.LastFailureAt);
        writer.WriteString("last_error", row.LastError);
        writer.Time("created_at", row.CreatedAt);
        writer.Time("updated_at", row.UpdatedAt);
    }

    public static void WriteDelivery(Utf8JsonWriter writer, DeliveryRow row)
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("sink_id", row.SinkId);
        writer.WriteString("event_id", row.EventId);
        writer.WriteString("event_type", row.EventType);
        writer.WriteNumber("attempts", row.Attempts);
        writer.Time("available_at", row.AvailableAt);
        writer.Time("delivered_at", row.DeliveredAt);
        writer.Time("abandoned_at", row.AbandonedAt);
        writer.Number("response_status", row.ResponseStatus);
        writer.WriteString("last_error", row.LastError);
        writer.Time("created_at", row.CreatedAt);
    }
}
