using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Mandates;
using Caracal.Sts.Jwks;

namespace Caracal.Sts.TokenExchange;

/// <summary>The one place where mandates are signed: compact JWS, ES256 (sts.md 6.1).</summary>
internal static class MandateSigner
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? payloadBuffer;

    [ThreadStatic]
    private static Utf8JsonWriter? payloadWriter;

    /// <summary>The mandate in ASCII: what an answer's body holds, so it never becomes a text twice as long.</summary>
    public static byte[] Sign(OpenedKey key, MandateClaims claims)
    {
        var payload = WritePayload(claims);
        var header = key.Header;
        var signed = header.Length + 1 + Base64Url.GetEncodedLength(payload.Length);
        var token = new byte[signed + 1 + Base64Url.GetEncodedLength(SigningKey.SignatureSize)];
        header.CopyTo(token.AsSpan());
        token[header.Length] = (byte)'.';
        Base64Url.EncodeToUtf8(payload, token.AsSpan(header.Length + 1), out _, out _);
        Span<byte> signature = stackalloc byte[SigningKey.SignatureSize];
        key.Private.Sign(token.AsSpan(0, signed), signature);
        token[signed] = (byte)'.';
        Base64Url.EncodeToUtf8(signature, token.AsSpan(signed + 1), out _, out _);
        key.Public.RememberSigned(token);
        return token;
    }

    /// <summary>The protected header of a key's mandates, already in base64url.</summary>
    public static byte[] Header(string keyId)
    {
        var buffer = new ArrayBufferWriter<byte>(96);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("alg"u8, "ES256"u8);
            writer.WriteString("kid"u8, keyId);
            writer.WriteString("typ"u8, "JWT"u8);
            writer.WriteEndObject();
        }

        return Encoding.ASCII.GetBytes(Base64Url.EncodeToString(buffer.WrittenSpan));
    }

    private static ReadOnlySpan<byte> WritePayload(MandateClaims claims)
    {
        payloadBuffer ??= new ArrayBufferWriter<byte>(2048);
        payloadBuffer.ResetWrittenCount();
        payloadWriter ??= new Utf8JsonWriter(payloadBuffer);
        payloadWriter.Reset(payloadBuffer);
        claims.WriteTo(payloadWriter);
        payloadWriter.Flush();
        return payloadBuffer.WrittenSpan;
    }
}
