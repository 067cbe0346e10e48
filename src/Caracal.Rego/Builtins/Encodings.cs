using System.Globalization;
using System.Text;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>JSON, base64, hexadecimal and query strings.</summary>
internal static class Encodings
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("json.marshal", ["any"], static (in c) =>
        {
            c.Context.ChargeText(c[0]);
            return RegoValue.String(JsonPrinter.Compact(c[0]));
        });
        all.Add("json.marshal_with_options", ["any", "object"], JsonPrinter.WithOptions);
        all.Add("json.unmarshal", ["string"], JsonRead);
        all.Add("json.is_valid", ["any"], static (in c) => RegoValue.Boolean(c[0] is StringValue s && IsJson(s.Text)));
        all.Add("base64.encode", ["string"], static (in c) => RegoValue.String(Convert.ToBase64String(Bytes(c.Text(0)))));
        all.Add("base64.decode", ["string"], static (in c) => TryBase64(c.Text(0), out var b) ? Text(b) : c.Fail("illegal base64 data"));
        all.Add("base64.is_valid", ["string"], static (in c) => RegoValue.Boolean(TryBase64(c.Text(0), out _)));
        all.Add("base64url.encode", ["string"], static (in c) => RegoValue.String(UrlSafe(Convert.ToBase64String(Bytes(c.Text(0))))));
        all.Add("base64url.encode_no_pad", ["string"], static (in c) => RegoValue.String(UrlSafe(Convert.ToBase64String(Bytes(c.Text(0)))).TrimEnd('=')));
        all.Add("base64url.decode", ["string"], static (in c) => TryBase64Url(c.Text(0), out var b) ? Text(b) : c.Fail("illegal base64 data"));
        all.Add("hex.encode", ["string"], static (in c) => RegoValue.String(Convert.ToHexString(Bytes(c.Text(0))).ToLowerInvariant()));
        all.Add("hex.decode", ["string"], HexDecode);
        all.Add("urlquery.encode", ["string"], static (in c) => RegoValue.String(QueryEscape(c.Text(0))));
        all.Add("urlquery.decode", ["string"], static (in c) => QueryUnescape(c.Text(0)) is { } s ? RegoValue.String(s) : c.Fail("invalid URL escape"));
        all.Add("urlquery.encode_object", ["object"], QueryEncodeObject);
        all.Add("urlquery.decode_object", ["string"], QueryDecodeObject);
    }

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static RegoValue Text(byte[] bytes) => RegoValue.String(Encoding.UTF8.GetString(bytes));

    public static string UrlSafe(string base64) => base64.Replace('+', '-').Replace('/', '_');

    public static bool TryBase64(string text, out byte[] bytes)
    {
        var clean = text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        bytes = new byte[(clean.Length * 3 / 4) + 3];
        if (clean.Length % 4 != 0 || clean.Any(char.IsWhiteSpace) || !Convert.TryFromBase64String(clean, bytes, out var n)) return false;
        bytes = bytes[..n];
        return true;
    }

    public static bool TryBase64Url(string text, out byte[] bytes)
    {
        bytes = [];
        if (text.Contains('+', StringComparison.Ordinal) || text.Contains('/', StringComparison.Ordinal)) return false;
        var plain = text.TrimEnd('=').Replace('-', '+').Replace('_', '/');
        return plain.Length % 4 != 1 && TryBase64(plain.PadRight((plain.Length + 3) / 4 * 4, '='), out bytes);
    }

    private static bool IsJson(string text)
    {
        try
        {
            JsonText.Read(text);
            return true;
        }
        catch (Exception e) when (e is FormatException or EncoderFallbackException)
        {
            return false;
        }
    }

    private static RegoValue? JsonRead(in BuiltinCall c)
    {
        c.Context.Charge(c.Text(0).Length / 16);
        c.Context.ChargeMemory(c.Text(0).Length * 4L);
        try
        {
            return JsonText.Read(c.Text(0));
        }
        catch (Exception e) when (e is FormatException or EncoderFallbackException)
        {
            return c.Fail(e.Message);
        }
    }

    private static RegoValue? HexDecode(in BuiltinCall c)
    {
        var text = c.Text(0);
        if (!text.All(char.IsAsciiHexDigit)) return c.Fail("invalid byte in hexadecimal text");
        if (text.Length % 2 != 0) return c.Fail("odd length hex string");
        return Text(Convert.FromHexString(text));
    }

    private static string QueryEscape(string text)
    {
        var sb = new StringBuilder();
        foreach (var b in Bytes(text))
        {
            var ch = (char)b;
            if (char.IsAsciiLetterOrDigit(ch) || ch is '-' or '_' or '.' or '~') sb.Append(ch);
            else if (ch == ' ') sb.Append('+');
            else sb.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }

        return sb.ToString();
    }

    private static string? QueryUnescape(string text)
    {
        var bytes = new List<byte>();
        var source = Bytes(text);
        for (var i = 0; i < source.Length; i++)
        {
            if (source[i] == '+')
            {
                bytes.Add((byte)' ');
            }
            else if (source[i] == '%')
            {
                if (i + 2 >= source.Length || !char.IsAsciiHexDigit((char)source[i + 1]) || !char.IsAsciiHexDigit((char)source[i + 2])) return null;
                bytes.Add(Convert.ToByte($"{(char)source[i + 1]}{(char)source[i + 2]}", 16));
                i += 2;
            }
            else
            {
                bytes.Add(source[i]);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    private static RegoValue? QueryEncodeObject(in BuiltinCall c)
    {
        var parts = new List<string>();
        foreach (var (key, value) in ((ObjectValue)c[0]).Properties)
        {
            if (key is not StringValue k) return c.WrongOperand(0, "object with string keys", Builtin.KindName(key.Kind));
            if (value is StringValue single)
            {
                parts.Add($"{QueryEscape(k.Text)}={QueryEscape(single.Text)}");
                continue;
            }

            if (value is not (ArrayValue or SetValue)) return c.WrongOperand(0, "one of {string, array, set}", Builtin.KindName(value.Kind));
            foreach (var item in Aggregates.Items(value))
            {
                if (item is not StringValue s) return c.WrongOperand(0, "string", Builtin.KindName(item.Kind));
                parts.Add($"{QueryEscape(k.Text)}={QueryEscape(s.Text)}");
            }
        }

        return RegoValue.String(string.Join('&', parts));
    }

    private static RegoValue? QueryDecodeObject(in BuiltinCall c)
    {
        var lists = new Dictionary<string, List<RegoValue>>(StringComparer.Ordinal);
        foreach (var part in c.Text(0).Split('&'))
        {
            if (part.Length == 0) continue;
            if (part.Contains(';', StringComparison.Ordinal)) return c.Fail("invalid semicolon separator in query");
            var at = part.IndexOf('=', StringComparison.Ordinal);
            var key = QueryUnescape(at < 0 ? part : part[..at]);
            var value = at < 0 ? "" : QueryUnescape(part[(at + 1)..]);
            if (key is null || value is null) return c.Fail("invalid URL escape");
            if (!lists.TryGetValue(key, out var list)) lists[key] = list = [];
            list.Add(RegoValue.String(value));
        }

        var builder = new ObjectBuilder();
        foreach (var (key, list) in lists) builder.Set(RegoValue.String(key), new ArrayValue([.. list]));
        return builder.Build();
    }
}

/// <summary>JSON text for policies: HTML characters escaped, optionally laid out over lines.</summary>
internal static class JsonPrinter
{
    public static string Compact(RegoValue value) =>
        JsonText.Write(value)
            .Replace("<", "\\u003c", StringComparison.Ordinal)
            .Replace(">", "\\u003e", StringComparison.Ordinal)
            .Replace("&", "\\u0026", StringComparison.Ordinal)
            .Replace("\u2028", "\\u2028", StringComparison.Ordinal)
            .Replace("\u2029", "\\u2029", StringComparison.Ordinal);

    public static RegoValue? WithOptions(in BuiltinCall c)
    {
        c.Context.ChargeText(c[0]);
        var indent = "\t";
        var prefix = "";
        bool? pretty = null;
        var laidOut = false;
        foreach (var (key, value) in ((ObjectValue)c[1]).Properties)
        {
            switch (key is StringValue k ? k.Text : null)
            {
                case "indent" when value is StringValue s:
                    indent = s.Text;
                    laidOut = true;
                    break;
                case "prefix" when value is StringValue s:
                    prefix = s.Text;
                    laidOut = true;
                    break;
                case "pretty" when value.Kind == RegoKind.Boolean:
                    pretty = value.AsBoolean();
                    break;
                case "indent" or "prefix": return c.WrongType($"operand 2 key \"{((StringValue)key).Text}\" must be string but got {Builtin.KindName(value.Kind)}");
                case "pretty": return c.WrongType($"operand 2 key \"pretty\" must be boolean but got {Builtin.KindName(value.Kind)}");
                default:
                    c.Context.ChargeText(key);
                    return c.WrongType($"operand 2 object contained unknown key {ValueText.Of(key)}");
            }
        }

        if (!(pretty ?? laidOut)) return RegoValue.String(Compact(c[0]));
        var sb = new StringBuilder();
        Print(c, sb, c[0], "\n" + prefix, indent);
        return RegoValue.String(prefix + sb);
    }

    private static void Print(in BuiltinCall c, StringBuilder sb, RegoValue value, string line, string indent)
    {
        if (sb.Length > c.Context.Limits.StringLength || line.Length > c.Context.Limits.StringLength) throw c.Context.Limit("string too long");
        var inner = line + indent;
        var first = true;
        switch (value)
        {
            case ArrayValue or SetValue when value.Count > 0:
                sb.Append('[');
                foreach (var item in Aggregates.Items(value))
                {
                    sb.Append(first ? "" : ",").Append(inner);
                    first = false;
                    Print(c, sb, item, inner, indent);
                }

                sb.Append(line).Append(']');
                break;
            case ObjectValue { Count: > 0 } o:
                sb.Append('{');
                foreach (var (key, item) in JsonText.ByKeyText(o))
                {
                    sb.Append(first ? "" : ",").Append(inner).Append(Compact(RegoValue.String(key))).Append(": ");
                    first = false;
                    Print(c, sb, item, inner, indent);
                }

                sb.Append(line).Append('}');
                break;
            default:
                sb.Append(Compact(value));
                break;
        }
    }
}
