using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Caracal.Protocol.Mandates;

/// <summary>
/// What a zone's key signed at one moment, to see later that it still verifies (operations.md 4.7, V6). It is no token: what is
/// signed is no JWS signing input, so nobody takes it for a mandate, and it may be kept.
/// </summary>
/// <param name="ZoneId">The zone.</param>
/// <param name="KeyId">The key that signed for it.</param>
/// <param name="At">Unix seconds.</param>
/// <param name="Signature">r and s, 64 bytes, as base64url.</param>
public sealed record KeySample(string ZoneId, string KeyId, long At, string Signature)
{
    /// <summary>The bytes that are signed.</summary>
    public static byte[] Message(string zoneId, string keyId, long at) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"caracal.key-sample.v1\n{zoneId}\n{keyId}\n{at}\n"));

    /// <summary>Four words apart by spaces; null when it is anything else.</summary>
    public static KeySample? TryParse(string text) =>
        text.Split(' ') is [var zone, var key, var at, var signature] && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? new KeySample(zone, key, seconds, signature)
            : null;

    /// <summary>True when the key signed it.</summary>
    public bool Verify(EcPublicKey key)
    {
        Span<byte> signature = stackalloc byte[64];
        return key.KeyId == KeyId && Base64Url.IsValid(Signature) && Base64Url.TryDecodeFromChars(Signature, signature, out var length) && length == 64
            && key.Verify(Message(ZoneId, KeyId, At), signature);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ZoneId} {KeyId} {At} {Signature}");
}
