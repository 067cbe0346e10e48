using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Caracal.Rego.Numbers;

namespace Caracal.Rego.Values;

/// <summary>JSON in and out (rego.md 12).</summary>
internal static class JsonText
{
    public const int MaxDepth = 128;

    public static RegoValue Read(string json)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(json.Length)];
        var n = new UTF8Encoding(false, true).GetBytes(json, bytes);
        return Read(bytes.AsSpan(0, n));
    }

    public static RegoValue Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) utf8 = utf8[3..];
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
            if (!reader.Read()) throw new FormatException("empty JSON text");
            var value = ReadValue(ref reader);
            if (reader.Read()) throw new FormatException("text after the JSON document");
            return value;
        }
        catch (Exception e) when (e is JsonException or ValueTooDeepException)
        {
            throw new FormatException(e.Message, e);
        }
        catch (InvalidOperationException e)
        {
            throw new FormatException(e.Message, e); // a string with a lone surrogate
        }
    }

    private static RegoValue ReadValue(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null: return RegoValue.Null;
            case JsonTokenType.True: return RegoValue.True;
            case JsonTokenType.False: return RegoValue.False;
            case JsonTokenType.String: return RegoValue.String(reader.GetString()!);
            case JsonTokenType.Number:
                if (reader.TryGetInt64(out var n)) return NumberValue.From(n);
                return DecimalText.TryParse(Encoding.ASCII.GetString(reader.ValueSpan), out var number)
                    ? number
                    : throw new FormatException("number too big");
            case JsonTokenType.StartArray:
                var items = new List<RegoValue>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) items.Add(ReadValue(ref reader));
                return items.Count == 0 ? ArrayValue.Empty : new ArrayValue([.. items]);
            case JsonTokenType.StartObject:
                var builder = new ObjectBuilder();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var key = KeyNames.Get(reader.GetString()!);
                    reader.Read();
                    builder.Set(key, ReadValue(ref reader));
                }

                return builder.Build();
            default: throw new FormatException("unexpected JSON token");
        }
    }

    public static void Write(RegoValue value, IBufferWriter<byte> output)
    {
        var sb = new StringBuilder();
        Append(sb, value);
        foreach (var chunk in sb.GetChunks()) Encoding.UTF8.GetBytes(chunk.Span, output);
    }

    public static string Write(RegoValue value)
    {
        var sb = new StringBuilder();
        Append(sb, value);
        return sb.ToString();
    }

    public static void Append(StringBuilder sb, RegoValue value)
    {
        switch (value)
        {
            case StringValue s:
                AppendQuoted(sb, s.Text);
                break;
            case ArrayValue a:
                AppendArray(sb, a.Span);
                break;
            case SetValue s:
                AppendArray(sb, s.Sorted);
                break;
            case ObjectValue o:
                sb.Append('{');
                var first = true;
                foreach (var (key, item) in ByKeyText(o))
                {
                    if (!first) sb.Append(',');
                    first = false;
                    AppendQuoted(sb, key);
                    sb.Append(':');
                    Append(sb, item);
                }

                sb.Append('}');
                break;
            default:
                sb.Append(ValueText.Of(value));
                break;
        }
    }

    /// <summary>An object's pairs under the text their keys have in JSON, ascending by that text.</summary>
    public static IEnumerable<(string Key, RegoValue Value)> ByKeyText(ObjectValue o)
    {
        var plain = true;
        for (var i = 0; i < o.Count && plain; i++) plain = o.KeyAt(i) is StringValue;
        if (plain) return o.Properties.Select(p => (p.Key.AsString(), p.Value));
        var byText = new SortedDictionary<string, RegoValue>(Comparer<string>.Create(ValueOrder.CompareText));
        foreach (var (key, value) in o.Properties) byText[KeyText(key)] = value;
        return byText.Select(p => (p.Key, p.Value));
    }

    public static string KeyText(RegoValue key) => key is StringValue s ? s.Text : Write(key);

    public static void AppendQuoted(StringBuilder sb, string text)
    {
        sb.Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"': sb.Append("\\\""); break;
                case '\\': sb.Append("\\\\"); break;
                case '\n': sb.Append("\\n"); break;
                case '\r': sb.Append("\\r"); break;
                case '\t': sb.Append("\\t"); break;
                case '\b': sb.Append("\\b"); break;
                case '\f': sb.Append("\\f"); break;
                default:
                    if (c < ' ') sb.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                    else sb.Append(c);
                    break;
            }
        }

        sb.Append('"');
    }

    private static void AppendArray(StringBuilder sb, ReadOnlySpan<RegoValue> items)
    {
        sb.Append('[');
        for (var i = 0; i < items.Length; i++)
        {
            if (i > 0) sb.Append(',');
            Append(sb, items[i]);
        }

        sb.Append(']');
    }
}
