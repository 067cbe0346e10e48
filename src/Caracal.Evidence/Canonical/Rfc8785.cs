using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Caracal.Evidence.Canonical;

/// <summary>RFC 8785 canonical JSON: keys by UTF-16 code unit, ECMAScript numbers, no spaces (coordinator.md 10).</summary>
public static class Rfc8785
{
    /// <summary>The canonical text of one JSON value.</summary>
    /// <exception cref="JsonException">The input is not exactly one JSON value.</exception>
    /// <exception cref="CanonicalFormException">A number does not fit a double.</exception>
    public static string Text(ReadOnlySpan<byte> json)
    {
        using var writer = new CanonicalWriter(CanonicalDialect.Rfc8785);
        return Encoding.UTF8.GetString(writer.WriteDocument(json));
    }

    public static string Text(string json) => Text(Encoding.UTF8.GetBytes(json));

    /// <summary>SHA-256 of the canonical text: the request digest of an idempotency receipt.</summary>
    public static byte[] Digest(ReadOnlySpan<byte> json)
    {
        using var writer = new CanonicalWriter(CanonicalDialect.Rfc8785);
        return SHA256.HashData(writer.WriteDocument(json));
    }
}
