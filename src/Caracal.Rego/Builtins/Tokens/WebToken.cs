using System.Text;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins.Tokens;

/// <summary>A signed token in its compact form, taken apart but not believed.</summary>
internal sealed class WebToken
{
    private readonly string[] _parts;

    private WebToken(string[] parts, ObjectValue header)
    {
        _parts = parts;
        Header = header;
    }

    public ObjectValue Header { get; }

    /// <summary>The bytes the signature is over.</summary>
    public byte[] Signed => Encoding.ASCII.GetBytes($"{_parts[0]}.{_parts[1]}");

    /// <summary>The token whose payload is a token.</summary>
    public bool IsNested => HeaderText("cty") is { } type && type.Equals("JWT", StringComparison.OrdinalIgnoreCase);

    public static WebToken Read(string text)
    {
        if (!text.Contains('.', StringComparison.Ordinal)) throw new TokenFault("encoded JWT had no period separators");
        var parts = text.Split('.');
        if (parts.Length != 3) throw new TokenFault($"encoded JWT must have 3 sections, found {parts.Length}");
        if (Json(Decode(parts[0], "header"), "header") is not ObjectValue header) throw new TokenFault("JWT header is not an object");
        if (header.Find("enc") is not null) throw new TokenFault("JWT is a JWE object, which is not supported");
        return new WebToken(parts, header);
    }

    public string? HeaderText(string name) => Header.Find(name) is StringValue s ? s.Text : null;

    public byte[] Signature() => Decode(_parts[2], "signature");

    public ObjectValue Payload() =>
        Json(Decode(_parts[1], "payload"), "payload") as ObjectValue ?? throw new TokenFault("JWT payload is not an object");

    /// <summary>The text of the token inside; some issuers write it as a JSON string.</summary>
    public string Inner()
    {
        var bytes = Decode(_parts[1], "payload");
        return bytes is [(byte)'"', ..]
            ? Json(bytes, "payload") is StringValue s ? s.Text : throw new TokenFault("JWT payload is not a token")
            : Encoding.UTF8.GetString(bytes);
    }

    private static byte[] Decode(string text, string part)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit(text[i]) && text[i] is not ('-' or '_'))
                throw new TokenFault($"JWT {part} had invalid encoding: illegal base64 data at input byte {i}");
        }

        return Encodings.TryBase64Url(text, out var bytes)
            ? bytes
            : throw new TokenFault($"JWT {part} had invalid encoding: illegal base64 data at input byte {text.Length}");
    }

    private static RegoValue Json(byte[] bytes, string part)
    {
        try
        {
            return RegoValue.FromUtf8Json(bytes);
        }
        catch (FormatException)
        {
            throw new TokenFault($"JWT {part} is not JSON");
        }
    }
}
