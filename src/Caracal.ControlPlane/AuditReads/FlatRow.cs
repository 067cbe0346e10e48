using System.Globalization;
using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.ControlPlane.AuditReads;

/// <summary>A row as a flat list of named values, for projection and CSV. A value is null, a text, a number, a truth, a time, a list of texts or JSON.</summary>
internal delegate object? FlatRow(string field);

/// <summary>How a flat value looks in JSON and in a CSV cell (api.md 1.3).</summary>
internal static class FlatValues
{
    public static void Write(Utf8JsonWriter writer, string name, object? value)
    {
        writer.WritePropertyName(name);
        switch (value)
        {
            case string text:
                writer.WriteStringValue(text);
                break;
            case long number:
                writer.WriteNumberValue(number);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case DateTimeOffset time:
                writer.WriteStringValue(Timestamps.Milliseconds(time));
                break;
            case IEnumerable<string> texts:
                writer.WriteStartArray();
                foreach (var text in texts) writer.WriteStringValue(text);
                writer.WriteEndArray();
                break;
            case JsonElement element:
                element.WriteTo(writer);
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }

    public static string? ToCell(object? value) => value switch
    {
        string text => text,
        long number => number.ToString(CultureInfo.InvariantCulture),
        bool flag => flag ? "true" : "false",
        DateTimeOffset time => Timestamps.Milliseconds(time),
        IEnumerable<string> texts => string.Join(' ', texts),
        JsonElement { ValueKind: JsonValueKind.String } element => element.GetString(),
        JsonElement { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
        JsonElement { ValueKind: JsonValueKind.Array } element => string.Join(' ', element.EnumerateArray().Select(member => ToCell(member))),
        JsonElement element => element.GetRawText(),
        _ => null,
    };
}
