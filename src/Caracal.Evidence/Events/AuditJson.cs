using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Caracal.Evidence.Events;

/// <summary>Writes the JSON parts of an <see cref="AuditEvent"/> as UTF-8.</summary>
public static class AuditJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer)? threadWriter;

    /// <summary><c>[]</c></summary>
    public static ReadOnlyMemory<byte> EmptyArray { get; } = "[]"u8.ToArray();

    /// <summary>An object whose members the callback writes; use a static lambda and the state, so nothing is captured.</summary>
    public static ReadOnlyMemory<byte> Object<TState>(TState state, Action<Utf8JsonWriter, TState> members)
    {
        // Taken while in use, so that members which need another object find none to overwrite.
        var (buffer, writer) = threadWriter ?? New();
        threadWriter = null;
        buffer.ResetWrittenCount();
        writer.Reset(buffer);
        writer.WriteStartObject();
        members(writer, state);
        writer.WriteEndObject();
        writer.Flush();
        var json = buffer.WrittenSpan.ToArray();
        threadWriter = (buffer, writer);
        return json;
    }

    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer) New()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        return (buffer, new Utf8JsonWriter(buffer, Options));
    }

    /// <summary><c>[{"policy":name},…]</c></summary>
    public static ReadOnlyMemory<byte> Policies(IReadOnlyCollection<string> names)
    {
        if (names.Count == 0) return EmptyArray;
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer, Options);
        writer.WriteStartArray();
        foreach (var name in names)
        {
            writer.WriteStartObject();
            writer.WriteString("policy"u8, name);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.Flush();
        return buffer.WrittenMemory;
    }

    /// <summary>A JSON array of texts, for diagnostics.</summary>
    public static ReadOnlyMemory<byte> Texts(IReadOnlyCollection<string> texts)
    {
        if (texts.Count == 0) return EmptyArray;
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer, Options);
        writer.WriteStartArray();
        foreach (var text in texts) writer.WriteStringValue(text);
        writer.WriteEndArray();
        writer.Flush();
        return buffer.WrittenMemory;
    }
}
