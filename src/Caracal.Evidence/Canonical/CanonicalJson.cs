using System.Text;
using System.Text.Json;

namespace Caracal.Evidence.Canonical;

/// <summary>PostgreSQL's <c>jsonb</c> text form, computed here so that every engine stores and hashes the same bytes (audit.md 4).</summary>
/// <remarks>Keys by UTF-8 length then bytes, last duplicate wins, numbers in plain decimal with their scale, U+0000 dropped, lone surrogates replaced.</remarks>
public static class CanonicalJson
{
    /// <summary>The canonical text of one JSON value.</summary>
    /// <exception cref="JsonException">The input is not exactly one JSON value.</exception>
    /// <exception cref="CanonicalFormException">The value has no canonical form.</exception>
    public static string Text(ReadOnlySpan<byte> json)
    {
        using var writer = new CanonicalWriter(CanonicalDialect.Jsonb);
        return Encoding.UTF8.GetString(writer.WriteDocument(json));
    }

    public static string Text(string json) => Text(Encoding.UTF8.GetBytes(json));

    public static byte[] Utf8(ReadOnlySpan<byte> json)
    {
        using var writer = new CanonicalWriter(CanonicalDialect.Jsonb);
        return writer.WriteDocument(json).ToArray();
    }
}
