using System.Text;
using System.Text.Json;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.ProviderConnections;

/// <summary>A consent somebody was sent away for; kept in the shared state for ten minutes and taken once (api.md 11.3).</summary>
internal sealed record PendingConsent(string ZoneId, string SubjectId, string ProviderId, string Verifier)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(600);

    public static string KeyOf(string state) => $"api:provider_oauth_state:{state}";

    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            JsonRows.Object(members =>
            {
                members.WriteString("zone_id", ZoneId);
                members.WriteString("subject_id", SubjectId);
                members.WriteString("provider_id", ProviderId);
                members.WriteString("code_verifier", Verifier);
            })(writer);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>Null when the text is not one that <see cref="ToJson"/> wrote.</summary>
    public static PendingConsent? TryRead(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object
                && Text(root, "zone_id") is { } zone && Text(root, "subject_id") is { } subject
                && Text(root, "provider_id") is { } provider && Text(root, "code_verifier") is { } verifier
                    ? new PendingConsent(zone, subject, provider, verifier)
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public override string ToString() => "***";

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
