using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Events;

/// <summary>An event as it travels in the audit stream: exact bytes, their signature and the key's id (streams.md 5.7).</summary>
/// <param name="Id">The event's id.</param>
/// <param name="Data">Exact JSON text of the event.</param>
/// <param name="Sig">Lower-case hex; null without a key (dev).</param>
/// <param name="Kid">Id of the key that made <paramref name="Sig"/>.</param>
public sealed record AuditFrame(string Id, string Data, string? Sig, string? Kid)
{
    /// <summary>Frames event bytes, signed with the ring's current key.</summary>
    /// <exception cref="JsonException">The bytes are no event with an <c>id</c>.</exception>
    public static AuditFrame Of(ReadOnlySpan<byte> data, HmacKeyRing? ring)
    {
        // One key for both fields: the ring may be replaced in between.
        var key = ring?.Current;
        return new AuditFrame(IdOf(data), Encoding.UTF8.GetString(data), key?.SignHex(data), key?.KeyId);
    }

    public static AuditFrame Of(AuditEvent evidence, HmacKeyRing? ring) => Of(evidence.ToUtf8(), ring);

    /// <summary>The stream fields, in the order of the specification.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Fields() => Sig is null
        ? [new("id", Id), new("data", Data)]
        : [new("id", Id), new("data", Data), new("sig", Sig), new("kid", Kid!)];

    /// <summary>Names a bearer token in evidence without holding it: the first 8 bytes of its SHA-256, in hex.</summary>
    public static string Fingerprint(ReadOnlySpan<byte> token)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(token, digest);
        return Convert.ToHexStringLower(digest[..8]);
    }

    private static string IdOf(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isId = reader.ValueTextEquals("id"u8);
            reader.Read();
            if (isId && reader.TokenType == JsonTokenType.String) return reader.GetString()!;
            reader.Skip();
        }

        throw new JsonException("the event has no id");
    }
}
