using System.Text.Json;

namespace Caracal.ControlPlane.AuditReads;

/// <summary>Masks metadata members whose name says secret, at any depth (api.md 11.8).</summary>
internal static class MetadataRedaction
{
    private static readonly HashSet<string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        "password", "passwd", "secret", "token", "access_token", "refresh_token", "id_token", "api_key", "apikey", "authorization",
        "cookie", "set_cookie", "client_secret", "private_key", "session", "session_id", "assertion",
    };

    public static bool IsRedacted(string name) => Names.Contains(name);

    public static void Write(Utf8JsonWriter writer, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in element.EnumerateObject())
                {
                    writer.WritePropertyName(member.Name);
                    if (IsRedacted(member.Name)) writer.WriteStringValue("[redacted]");
                    else Write(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var member in element.EnumerateArray()) Write(writer, member);
                writer.WriteEndArray();
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }
}
