using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.AuditReads;

/// <summary>The policy input of a denied event, rebuilt from its metadata so that it can be simulated (api.md 11.8).</summary>
internal static class PolicyInputReplay
{
    public static void Write(Utf8JsonWriter writer, string zoneId, JsonElement? metadata)
    {
        var session = Text(metadata, "session_id");
        var agentSession = Text(metadata, "agent_session_id");
        var edge = Text(metadata, "delegation_edge_id");
        var scopes = Texts(metadata, "requested_scopes");
        writer.WriteStartObject();
        writer.WriteString("schema_version", PolicyContent.SchemaVersion);
        writer.WriteStartObject("principal");
        writer.WriteString("type", "Application");
        writer.WriteString("id", Text(metadata, "application_id") ?? "");
        writer.WriteString("zone_id", zoneId);
        Optional(writer, "registration_method", Text(metadata, "application_registration_method"));
        Optional(writer, "agent_session_id", agentSession);
        Optional(writer, "lifecycle", Text(metadata, "agent_lifecycle"));
        if (Texts(metadata, "agent_labels") is { Count: > 0 } labels) writer.Texts("labels", labels);
        writer.WriteEndObject();
        writer.WriteStartObject("resource");
        writer.WriteString("type", "Resource");
        writer.WriteString("identifier", Text(metadata, "resource") ?? "");
        writer.Texts("scopes", scopes);
        writer.WriteEndObject();
        writer.WriteStartObject("action");
        writer.WriteString("id", "TokenExchange");
        writer.WriteEndObject();
        writer.WriteStartObject("context");
        writer.WriteStartObject("actor_claims");
        writer.WriteEndObject();
        writer.Texts("requested_scopes", scopes);
        writer.WriteBoolean("challenge_resolved", false);
        Optional(writer, "session_id", session);
        Optional(writer, "agent_session_id", agentSession);
        Optional(writer, "delegation_edge_id", edge);
        writer.WriteEndObject();
        WriteId(writer, "session", session);
        WriteId(writer, "delegation_edge", edge);
        writer.WriteEndObject();
    }

    private static void Optional(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null) writer.WriteString(name, value);
    }

    private static void WriteId(Utf8JsonWriter writer, string name, string? id)
    {
        if (id is null) return;
        writer.WriteStartObject(name);
        writer.WriteString("id", id);
        writer.WriteEndObject();
    }

    private static string? Text(JsonElement? metadata, string name) =>
        metadata is { ValueKind: JsonValueKind.Object } found && found.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : null;

    private static List<string> Texts(JsonElement? metadata, string name) =>
        metadata is { ValueKind: JsonValueKind.Object } found && found.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Where(member => member.ValueKind == JsonValueKind.String).Select(member => member.GetString()!)]
            : [];
}
