using System.Text.Json;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.Http;

/// <summary>The JSON types of api.md 1: nullable members are present as null, times carry milliseconds, lists are arrays.</summary>
internal static class JsonRows
{
    public static void Time(this Utf8JsonWriter writer, string name, DateTimeOffset? time)
    {
        if (time is { } set) writer.WriteString(name, Timestamps.Milliseconds(set));
        else writer.WriteNull(name);
    }

    public static void Texts(this Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }

    public static void Number(this Utf8JsonWriter writer, string name, long? number)
    {
        if (number is { } set) writer.WriteNumber(name, set);
        else writer.WriteNull(name);
    }

    /// <summary>A stored document as it is.</summary>
    public static void Document(this Utf8JsonWriter writer, string name, JsonText? document)
    {
        writer.WritePropertyName(name);
        if (document is { Value: not null } set) writer.WriteRawValue(set.Value);
        else writer.WriteNullValue();
    }

    public static void Creation(this Utf8JsonWriter writer, AttributedRow row)
    {
        writer.WriteString("created_by", row.CreatedBy);
        writer.WriteBoolean("created_via_operator", row.CreatedViaOperator);
    }

    public static void Attribution(this Utf8JsonWriter writer, AttributedRow row)
    {
        writer.Creation(row);
        writer.WriteString("updated_by", row.UpdatedBy);
        writer.WriteBoolean("updated_via_operator", row.UpdatedViaOperator);
    }

    public static void Times(this Utf8JsonWriter writer, AttributedRow row)
    {
        writer.Time("created_at", row.CreatedAt);
        writer.Time("updated_at", row.UpdatedAt);
    }

    /// <summary>A list of objects.</summary>
    public static void Rows<T>(this Utf8JsonWriter writer, string name, IEnumerable<T> rows, Action<Utf8JsonWriter, T> write)
    {
        writer.WriteStartArray(name);
        foreach (var row in rows)
        {
            writer.WriteStartObject();
            write(writer, row);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Writes an object around <paramref name="members"/>.</summary>
    public static Action<Utf8JsonWriter> Object(Action<Utf8JsonWriter> members) => writer =>
    {
        writer.WriteStartObject();
        members(writer);
        writer.WriteEndObject();
    };
}
