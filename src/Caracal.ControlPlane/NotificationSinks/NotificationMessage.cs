using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.NotificationSinks;

namespace Caracal.ControlPlane.NotificationSinks;

/// <summary>What a sink is sent: a body and the signature over exactly its bytes (api.md 11.7).</summary>
internal static class NotificationMessage
{
    private static readonly string[] Members = ["id", "type", "zone_id", "decision", "occurred_at", "data"];
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The body for an event, as it is queued.</summary>
    public static JsonText PayloadOf(string zoneId, NotableEvent found) => new(Write(writer =>
    {
        writer.WriteString("id", found.Id);
        writer.WriteString("type", found.EventType);
        writer.WriteString("zone_id", zoneId);
        writer.WriteString("decision", found.Decision);
        writer.Time("occurred_at", found.OccurredAt);
        writer.Document("data", found.MetadataJson);
    }));

    /// <summary>The queued body with its members in their documented order, which a database need not keep.</summary>
    public static string BodyOf(JsonText payload)
    {
        using var document = JsonDocument.Parse(payload.Value);
        return Write(writer =>
        {
            foreach (var member in Members)
            {
                writer.WritePropertyName(member);
                if (document.RootElement.TryGetProperty(member, out var value)) value.WriteTo(writer);
                else writer.WriteNullValue();
            }
        });
    }

    /// <summary><c>v1=</c> and the hex HMAC-SHA256 of <c>timestamp.body</c> under the secret's text.</summary>
    public static string Sign(string secret, long timestamp, string body) =>
        "v1=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{timestamp}.{body}")));

    private static string Write(Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Relaxed)) JsonRows.Object(members)(writer);
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
