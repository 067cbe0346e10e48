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

    public static string Sign(OpenedKey key, MandateClaims claims)
    {
        var payload = WritePayload(claims);
        var header = key.Header;
        var length = header.Length + 1 + Base64Url.GetEncodedLength(payload.Length);
        var total = length + 1 + Base64Url.GetEncodedLength(SigningKey.SignatureSize);
        var buffer = ArrayPool<byte>.Shared.Rent(total);
        try
        {
            header.CopyTo(buffer.AsSpan());
            buffer[header.Length] = (byte)'.';
            Base64Url.EncodeToUtf8(payload, buffer.AsSpan(header.Length + 1), out _, out _);
            Span<byte> signature = stackalloc byte[SigningKey.SignatureSize];
            key.Private.Sign(buffer.AsSpan(0, length), signature);
            buffer[length] = (byte)'.';
            Base64Url.EncodeToUtf8(signature, buffer.AsSpan(length + 1), out _, out var written);
            key.Public.RememberSigned(buffer.AsSpan(0, length + 1 + written));
            return Encoding.ASCII.GetString(buffer, 0, length + 1 + written);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
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
