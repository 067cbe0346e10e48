using System.Text.Json;
using Caracal.Keys.Signatures;
using Caracal.Storage.Outbox;

namespace Caracal.Streams.Relay;

/// <summary>How an outbox row becomes a message; the two outboxes differ in how they write null (streams.md 3).</summary>
internal static class RelayEncoding
{
    /// <summary>The unsigned fields: <c>outbox_id</c>, the Coordinator's <c>dedupe_key</c>, then the payload. Reserved names in a payload are ignored.</summary>
    public static List<KeyValuePair<string, string>> ToFields(OutboxMessage message)
    {
        var fields = new List<KeyValuePair<string, string>> { new("outbox_id", message.Id) };
        if (message.DedupeKey is { } dedupeKey)
        {
            fields.Add(new("dedupe_key", dedupeKey));
        }

        using var payload = JsonDocument.Parse(message.PayloadJson);
        foreach (var member in payload.RootElement.EnumerateObject())
        {
            var keepsNull = message.DedupeKey is not null;
            if (member.Name is "outbox_id" or "dedupe_key" or StreamSignature.Field
                || (member.Value.ValueKind == JsonValueKind.Null && !keepsNull))
            {
                continue;
            }

            fields.Add(new(member.Name, ToText(member.Value)));
        }

        return fields;
    }

    private static string ToText(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Array or JsonValueKind.Object => Compact(value),
        _ => value.GetRawText(),
    };

    private static string Compact(JsonElement value)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            value.WriteTo(writer);
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
