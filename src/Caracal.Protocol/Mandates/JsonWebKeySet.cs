using System.Buffers.Text;
using System.Text.Json;

namespace Caracal.Protocol.Mandates;

/// <summary>A zone's verification keys, newest first. Immutable.</summary>
public sealed class JsonWebKeySet
{
    private readonly EcPublicKey[] _keys;

    public JsonWebKeySet(IEnumerable<EcPublicKey> keys) => _keys = [.. keys];

    /// <summary>The keys, newest first.</summary>
    public IReadOnlyList<EcPublicKey> Keys => _keys;

    /// <summary>The key named <paramref name="keyId"/>, or null.</summary>
    public EcPublicKey? Find(string? keyId)
    {
        foreach (var key in _keys)
        {
            if (string.Equals(key.KeyId, keyId, StringComparison.Ordinal))
            {
                return key;
            }
        }

        return null;
    }

    /// <summary>The JWKS document of sts.md 6.2.</summary>
    public byte[] ToUtf8Json()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("keys"u8);
            foreach (var key in _keys)
            {
                writer.WriteStartObject();
                writer.WriteString("kty"u8, "EC"u8);
                writer.WriteString("crv"u8, "P-256"u8);
                writer.WriteString("use"u8, "sig"u8);
                writer.WriteString("kid"u8, key.KeyId);
                writer.WriteString("alg"u8, "ES256"u8);
                writer.WriteString("x"u8, Base64Url.EncodeToString(key.X.Span));
                writer.WriteString("y"u8, Base64Url.EncodeToString(key.Y.Span));
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads a JWKS, keeping only the keys that gateway.md A5 calls usable; null when the document is no JWKS.</summary>
    public static JsonWebKeySet? TryParse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("keys"u8, out var list)
                || list.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            return new JsonWebKeySet(list.EnumerateArray().Select(TryRead).OfType<EcPublicKey>());
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static EcPublicKey? TryRead(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object
            || Text(key, "kty"u8) != "EC" || Text(key, "crv"u8) != "P-256" || Text(key, "alg"u8) != "ES256"
            || Text(key, "kid"u8) is not { Length: > 0 } keyId
            || (key.TryGetProperty("use"u8, out _) && Text(key, "use"u8) != "sig")
            || !MayVerify(key)
            || Coordinate(key, "x"u8) is not { } x || Coordinate(key, "y"u8) is not { } y)
        {
            return null;
        }

        return EcPublicKey.TryCreate(keyId, x, y);
    }

    private static bool MayVerify(JsonElement key) =>
        !key.TryGetProperty("key_ops"u8, out var operations)
        || (operations.ValueKind == JsonValueKind.Array
            && operations.EnumerateArray().Any(o => o.ValueKind == JsonValueKind.String && o.ValueEquals("verify"u8)));

    private static string? Text(JsonElement key, ReadOnlySpan<byte> name) =>
        key.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static byte[]? Coordinate(JsonElement key, ReadOnlySpan<byte> name)
    {
        try
        {
            return Text(key, name) is { } text ? Base64Url.DecodeFromChars(text) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
