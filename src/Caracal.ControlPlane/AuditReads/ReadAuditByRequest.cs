using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.ControlPlane.Http;
using Caracal.Evidence.Events;
using Caracal.Storage;
using Caracal.Storage.AuditReads;

namespace Caracal.ControlPlane.AuditReads;

/// <summary><c>GET …/audit/by-request/{requestId}</c> and its explanation (api.md 11.8).</summary>
internal sealed class ReadAuditByRequest(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var events = await EventsAsync(call);
        return events.Count == 0 ? ControlPlaneErrors.RequestNotFound : Answer.Ok(writer => WriteEvents(writer, events));
    }

    public async Task<Answer> ExplainAsync(ApiCall call)
    {
        var events = await EventsAsync(call);
        if (events.Count == 0) return ControlPlaneErrors.RequestNotFound;
        var denied = events.Where(row => AuditDecisions.IsDeny(row.Decision)).ToList();
        var rules = await database.ReadAsync(
            connection => ExplainedRules.LoadAsync(connection, database.Dialect, call.ZoneId, denied), call.Cancelled);
        return Answer.Ok(JsonRows.Object(writer =>
        {
            writer.WriteString("request_id", call.Parameters["requestId"]);
            writer.WriteString("zone_id", call.ZoneId);
            writer.WriteString("final_decision", denied.Count > 0 ? AuditDecisions.Deny : events[^1].Decision ?? "unknown");
            writer.WriteStartArray("denied");
            foreach (var row in denied) WriteDenied(writer, row, rules);
            writer.WriteEndArray();
            writer.WritePropertyName("events");
            WriteEvents(writer, events);
        }));
    }

    private Task<IReadOnlyList<AuditEventRow>> EventsAsync(ApiCall call) => database.ReadAsync(
        connection => AuditEventReads.ListByRequestAsync(connection, call.ZoneId, call.Parameters["requestId"]), call.Cancelled);

    private static void WriteEvents(Utf8JsonWriter writer, IReadOnlyList<AuditEventRow> events)
    {
        writer.WriteStartArray();
        foreach (var row in events)
        {
            writer.WriteStartObject();
            AuditEventJson.Write(writer, row);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteDenied(Utf8JsonWriter writer, AuditEventRow row, ExplainedRules rules)
    {
        writer.WriteStartObject();
        writer.WriteString("event_id", row.Id);
        writer.WriteString("event_type", row.EventType);
        writer.WriteString("evaluation_status", row.EvaluationStatus);
        writer.Document("determining_policies", row.DeterminingPoliciesJson);
        writer.Document("diagnostics", row.DiagnosticsJson);
        writer.WritePropertyName("explanation");
        rules.Write(writer, row);
        AuditEventJson.WriteMetadata(writer, "metadata", row);
        writer.WritePropertyName("policy_input");
        PolicyInputReplay.Write(writer, row.ZoneId, AuditEventJson.Parse(row.MetadataJson));
        writer.WriteEndObject();
    }
}
