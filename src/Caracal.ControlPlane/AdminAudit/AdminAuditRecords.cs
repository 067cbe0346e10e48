using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Canonical;
using Caracal.Protocol;

namespace Caracal.ControlPlane.AdminAudit;

/// <summary>Makes the admin audit row of one call (api.md 3).</summary>
internal static class AdminAuditRecords
{
    public static AdminAuditEntry Of(ApiCall call, Answer answer, DateTimeOffset now)
    {
        var entity = AuditedEntity.Of(call.Path, answer);
        return Of(call, $"{call.Method} {call.Path}", answer.ZoneId ?? call.Parameters.GetValueOrDefault("zoneId") ?? CreatedZone(entity, answer), now) with
        {
            EntityType = entity.Type,
            EntityId = entity.Id,
            StatusCode = answer.Status,
            PayloadJson = Payload(call, writer =>
            {
                if (answer.Succeeded) WriteChange(writer, call, entity);
            }),
        };
    }

    /// <summary>An extra row that sums up what a change did, such as a DCR shutdown.</summary>
    public static AdminAuditEntry Summary(ApiCall call, string action, string entityType, string entityId, Action<Utf8JsonWriter> counts, DateTimeOffset now) =>
        Of(call, action, call.ZoneId, now) with
        {
            EntityType = entityType,
            EntityId = entityId,
            PayloadJson = Payload(call, counts),
        };

    /// <summary>The extra row of one step of a key rotation (operations.md 4.8).</summary>
    public static AdminAuditEntry KeyRotation(ApiCall call, string rotationId, Action<Utf8JsonWriter> step, DateTimeOffset now) =>
        Of(call, "key_rotation", null, now) with
        {
            EntityType = "key-rotations",
            EntityId = rotationId,
            PayloadJson = Payload(call, step),
        };

    private static AdminAuditEntry Of(ApiCall call, string action, string? zoneId, DateTimeOffset now) => new()
    {
        Id = Ids.New(),
        RequestId = call.RequestId,
        ActorId = call.IsAuthenticated ? call.Caller.TokenId : null,
        ActorName = call.IsAuthenticated ? call.Caller.Name : null,
        ActorScope = call.IsAuthenticated ? call.Caller.Scope : null,
        Action = action,
        Method = call.Method,
        Path = call.Path,
        ZoneId = zoneId,
        StatusCode = 200,
        OccurredAt = now,
    };

    private static string? CreatedZone(AuditedEntity entity, Answer answer) =>
        entity.Type == "zones" ? entity.Id ?? answer.EntityId : null;

    private static string Payload(ApiCall call, Action<Utf8JsonWriter> more)
    {
        var zone = call.IsAuthenticated ? call.Caller.ZoneId : null;
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("rls_mode", zone is null ? "control_plane_wildcard" : "zone_scoped");
            writer.WriteString("rls_zone_guc", zone ?? "*");
            if (call.IsAuthenticated && call.Caller.AccountId is { } account) writer.WriteString("operator", account);
            more(writer);
            writer.WriteEndObject();
        }

        return CanonicalJson.Text(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private static void WriteChange(Utf8JsonWriter writer, ApiCall call, AuditedEntity entity)
    {
        var fields = ChangedFields.Of(call.Body);
        var secret = fields.Secret || entity.Verb == "rotate-secret";
        if (KindOf(call.Method, entity.Verb, fields, secret) is { } kind) writer.WriteString("change_kind", kind);
        writer.Texts("changed_fields", fields.Names);
        if (secret) writer.WriteBoolean("secret_rotated", true);
    }

    private static string? KindOf(string method, string? verb, ChangedFields fields, bool secret) => method switch
    {
        "DELETE" => "delete",
        _ when verb is not null && verb != "dcr" => secret ? "secret_rotation" : "action",
        "POST" => "create",
        _ when fields.Names.Count > 0 => "update",
        _ => secret ? "secret_rotation" : null,
    };
}
