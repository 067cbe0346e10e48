using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Caracal.Protocol.Mandates;

/// <summary>A compact JWS taken apart once. Nothing in it is trusted until <see cref="EcPublicKey.Verify(MandateToken)"/> has said yes.</summary>
public sealed class MandateToken
{
    private static readonly SearchValues<byte> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);

    /// <summary>The longest text that is looked at, in characters: beyond what the deepest lineage makes of a mandate.</summary>
    public const int MaximumLength = 32 * 1024;

    private readonly byte[] _bytes;
    private readonly int _signedLength;
    private byte[]? _digest;

    private MandateToken(byte[] bytes, int signedLength, string? algorithm, string? keyId, MandateClaims claims, byte[] signature)
    {
        _bytes = bytes;
        _signedLength = signedLength;
        Algorithm = algorithm;
        KeyId = keyId;
        Claims = claims;
        Signature = signature;
    }

    /// <summary>Header <c>alg</c>; only <c>ES256</c> is ever accepted.</summary>
    public string? Algorithm { get; }

    /// <summary>Header <c>kid</c>.</summary>
    public string? KeyId { get; }

    /// <summary>The payload.</summary>
    public MandateClaims Claims { get; }

    /// <summary>The signature bytes; 64 for ES256.</summary>
    public ReadOnlyMemory<byte> Signature { get; }

    /// <summary>SHA-256 of the whole token, 32 bytes; made once, for the signature's memory and for the fingerprint in the ledger.</summary>
    public ReadOnlySpan<byte> Digest => _digest ??= SHA256.HashData(_bytes);

    /// <summary>What the signature covers: header, dot, payload.</summary>
    public ReadOnlyMemory<byte> SignedBytes => _bytes.AsMemory(0, _signedLength);

    /// <summary>Whether this is <paramref name="text"/>, taken apart.</summary>
    public bool IsOf(ReadOnlySpan<char> text) => Ascii.Equals(_bytes, text);

    /// <summary>
    /// Takes a token apart; null unless it has exactly three parts whose first two are base64url JSON objects. A
    /// signature that is not base64url comes back empty, so that it fails where signatures fail.
    /// </summary>
    public static MandateToken? TryParse(ReadOnlySpan<char> token)
    {
        if (token.Length > MaximumLength)
        {
            return null;
        }

        var first = token.IndexOf('.');
        var second = token.LastIndexOf('.');
        if (first == second || token[(first + 1)..second].Contains('.') || !Ascii.IsValid(token))
        {
            return null;
        }

        var bytes = new byte[token.Length];
        Encoding.ASCII.GetBytes(token, bytes);
        var scratch = ArrayPool<byte>.Shared.Rent(bytes.Length);
        try
        {
            return TryDecode(bytes.AsSpan(first + 1, second - first - 1), scratch, out var length)
                && ClaimsReader.TryRead(scratch.AsSpan(0, length)) is { } claims
                && TryDecode(bytes.AsSpan(0, first), scratch, out length)
                && TryReadHeader(scratch.AsSpan(0, length), out var algorithm, out var keyId)
                ? new MandateToken(
                    bytes, second, algorithm, keyId, claims,
                    TryDecode(bytes.AsSpan(second + 1), scratch, out length) ? scratch[..length] : [])
                : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private static bool TryDecode(ReadOnlySpan<byte> part, Span<byte> target, out int length)
    {
        length = 0;
        if (!IsCanonical(part))
        {
            return false;
        }

        try
        {
            return Base64Url.TryDecodeFromUtf8(part, target, out length);
        }
        catch (FormatException)
        {
            return false;
        }
    }

    // RFC 7515 2: no padding and no white space, which the decoder would forgive, and no bits beyond the last byte: a
    // mandate has exactly one text.
    private static bool IsCanonical(ReadOnlySpan<byte> part)
    {
        if (part.ContainsAnyExcept(Alphabet))
        {
            return false;
        }

        return (part.Length % 4) switch
        {
            2 => (Value(part[^1]) & 0b1111) == 0,
            3 => (Value(part[^1]) & 0b11) == 0,
            1 => false,
            _ => true,
        };
    }

    private static int Value(byte digit) => digit switch
    {
        >= (byte)'A' and <= (byte)'Z' => digit - 'A',
        >= (byte)'a' and <= (byte)'z' => digit - 'a' + 26,
        >= (byte)'0' and <= (byte)'9' => digit - '0' + 52,
        (byte)'-' => 62,
        _ => 63,
    };

    private static bool TryReadHeader(ReadOnlySpan<byte> header, out string? algorithm, out string? keyId)
    {
        algorithm = keyId = null;
        try
        {
            var reader = new Utf8JsonReader(header);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isAlgorithm = reader.ValueTextEquals("alg"u8);
                var isKeyId = reader.ValueTextEquals("kid"u8);
                if (reader.ValueTextEquals("crit"u8))
                {
                    return false; // RFC 7515 4.1.11: what must be understood and is not makes the token invalid
                }

                reader.Read();
                if ((isAlgorithm && algorithm is not null) || (isKeyId && keyId is not null))
                {
                    return false; // given twice
                }

                if ((isAlgorithm || isKeyId) && reader.TokenType == JsonTokenType.String)
                {
                    algorithm = isAlgorithm ? reader.GetString() : algorithm;
                    keyId = isKeyId ? reader.GetString() : keyId;
                }
                else
                {
                    reader.Skip();
                }
            }

            return reader.TokenType == JsonTokenType.EndObject && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
