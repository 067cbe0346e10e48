using System.Text.Json;
using Caracal.ControlPlane.AuditReads;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.AdminAudit;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.AdminAudit;

/// <summary><c>GET …/admin-audit</c>, and <c>GET /v1/admin-audit</c> for changes that belong to no zone (api.md 11.8).</summary>
internal sealed class ListAdminAudit(Database database)
{
    private static readonly string[] Columns =
    [
        "id", "occurred_at", "action", "method", "path", "entity_type", "entity_id", "status_code", "actor_id", "actor_name",
        "actor_scope", "request_id", "chain_seq", "signed", "change_kind", "changed_fields",
    ];

    public Task<Answer> HandleAsync(ApiCall call) => ListAsync(call, call.ZoneId);

    public Task<Answer> GlobalAsync(ApiCall call) => ListAsync(call, null);

    private async Task<Answer> ListAsync(ApiCall call, string? zoneId)
    {
        var filter = new AdminAuditFilter(
            call.Query.Time("since"),
            call.Query.Time("until"),
            call.Query.Text("actor_id", 128),
            call.Query.Text("entity_type", 64),
            call.Query.Text("entity_id", 512),
            call.Query.OneOf("method", "POST", "PUT", "PATCH", "DELETE"));
        call.Query.OneOf("format", "json", "csv");
        var page = call.Page(100, 1000);
        var fields = FieldList.Read(call, Columns);
        if ((call.Query.Problem ?? page.Problem ?? fields.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(connection => AdminAuditLedger.ListAsync(connection, zoneId, filter, page.Query), call.Cancelled);
        return FlatList.Of(call, "admin-audit", fields, rows, page.Query, row => new Keyset(row.OccurredAt, row.Id), Write, Flatten);
    }

    private static void Write(Utf8JsonWriter writer, AdminAuditListRow row)
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("request_id", row.RequestId);
        writer.WriteString("actor_id", row.ActorId);
        writer.WriteString("actor_name", row.ActorName);
        writer.WriteString("actor_scope", row.ActorScope);
        writer.WriteString("action", row.Action);
        writer.WriteString("method", row.Method);
        writer.WriteString("path", row.Path);
        writer.WriteString("entity_type", row.EntityType);
        writer.WriteString("entity_id", row.EntityId);
        writer.WriteNumber("status_code", row.StatusCode);
        writer.Document("payload_json", row.PayloadJson);
        writer.Time("occurred_at", row.OccurredAt);
        writer.WriteNumber("chain_seq", row.ChainSeq);
        writer.WriteBoolean("signed", IsSigned(row));
    }

    private static FlatRow Flatten(AdminAuditListRow row)
    {
        var payload = row.PayloadJson is { Value: { } text } ? JsonDocument.Parse(text).RootElement : default;
        return field => field switch
        {
            "id" => row.Id,
            "occurred_at" => row.OccurredAt,
            "action" => row.Action,
            "method" => row.Method,
            "path" => row.Path,
            "entity_type" => row.EntityType,
            "entity_id" => row.EntityId,
            "status_code" => row.StatusCode,
            "actor_id" => row.ActorId,
            "actor_name" => row.ActorName,
            "actor_scope" => row.ActorScope,
            "request_id" => row.RequestId,
            "chain_seq" => row.ChainSeq,
            "signed" => IsSigned(row),
            _ => payload.ValueKind == JsonValueKind.Object && payload.TryGetProperty(field, out var value) ? value : null,
        };
    }

    private static bool IsSigned(AdminAuditListRow row) => !string.IsNullOrEmpty(row.ChainHmac);
}
