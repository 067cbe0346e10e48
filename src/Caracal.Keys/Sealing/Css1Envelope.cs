using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Sealing;

/// <summary>What opening an envelope came to; the default is a refusal (operations.md 3.1).</summary>
public enum Css1Outcome
{
    TooShort,
    UnknownFormat,
    DifferentKek,
    DataKeyRejected,
    ValueRejected,
    Opened,
}

/// <summary>The sealed envelope <c>CSS1</c>: a fresh data key under the KEK, the value under the data key, both ChaCha20-Poly1305 (storage.md 6).</summary>
public static class Css1Envelope
{
    public const int MinimumLength = 100;

    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int KeySize = 32;
    private const int KekIdAt = 4;
    private const int DekNonceAt = KekIdAt + Kek.IdSize;
    private const int DekCipherAt = DekNonceAt + NonceSize;
    private const int ValueNonceAt = DekCipherAt + KeySize + TagSize;
    private const int ValueCipherAt = ValueNonceAt + NonceSize;

    private static ReadOnlySpan<byte> Magic => "CSS1"u8;

    private static ReadOnlySpan<byte> DataKeyContext => "caracal.css1.dek"u8;

    /// <summary>Whether the platform has ChaCha20-Poly1305; services refuse to start without it.</summary>
    public static bool IsSupported => ChaCha20Poly1305.IsSupported;

    /// <param name="ring">Its current key seals.</param>
    /// <param name="location">Logical location, bound as associated data; see <see cref="SealedLocations"/>.</param>
    /// <param name="plaintext">The value.</param>
    public static byte[] Seal(KekRing ring, string location, ReadOnlySpan<byte> plaintext)
    {
        Span<byte> dataKey = stackalloc byte[KeySize];
        Span<byte> nonces = stackalloc byte[2 * NonceSize];
        RandomNumberGenerator.Fill(dataKey);
        RandomNumberGenerator.Fill(nonces);
        try
        {
            return Seal(ring.Current, location, plaintext, dataKey, nonces[..NonceSize], nonces[NonceSize..]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dataKey);
        }
    }

    /// <summary>Opens with whichever loaded KEK the envelope names; <paramref name="plaintext"/> is set only when the outcome is <see cref="Css1Outcome.Opened"/>.</summary>
    public static Css1Outcome Open(KekRing ring, string location, ReadOnlySpan<byte> envelope, out SecretBytes? plaintext)
    {
        plaintext = null;
        if (envelope.Length < MinimumLength) return Css1Outcome.TooShort;
        if (!envelope.StartsWith(Magic)) return Css1Outcome.UnknownFormat;
        if (ring.Find(KekId(envelope)) is not { } kek) return Css1Outcome.DifferentKek;

        Span<byte> dataKey = stackalloc byte[KeySize];
        try
        {
            if (!Decrypt(kek.Material, envelope[DekNonceAt..DekCipherAt], envelope[DekCipherAt..ValueNonceAt], DataKeyContext, dataKey))
            {
                return Css1Outcome.DataKeyRejected;
            }

            var value = new SecretBytes(envelope.Length - MinimumLength);
            if (!Decrypt(dataKey, envelope[ValueNonceAt..ValueCipherAt], envelope[ValueCipherAt..], Encoding.UTF8.GetBytes(location), value.Writable))
            {
                return Css1Outcome.ValueRejected;
            }

            plaintext = value;
            return Css1Outcome.Opened;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dataKey);
        }
    }

    /// <summary>The 8-byte KEK id an envelope names; empty when the bytes are no envelope.</summary>
    public static ReadOnlySpan<byte> KekId(ReadOnlySpan<byte> envelope) =>
        envelope.Length >= MinimumLength && envelope.StartsWith(Magic) ? envelope[KekIdAt..DekNonceAt] : default;

    internal static byte[] Seal(
        Kek kek, string location, ReadOnlySpan<byte> plaintext,
        ReadOnlySpan<byte> dataKey, ReadOnlySpan<byte> dataKeyNonce, ReadOnlySpan<byte> valueNonce)
    {
        var envelope = new byte[MinimumLength + plaintext.Length];
        Span<byte> target = envelope;
        Magic.CopyTo(target);
        kek.Id.CopyTo(target[KekIdAt..]);
        dataKeyNonce.CopyTo(target[DekNonceAt..]);
        Encrypt(kek.Material, dataKeyNonce, dataKey, DataKeyContext, target[DekCipherAt..ValueNonceAt]);
        valueNonce.CopyTo(target[ValueNonceAt..]);
        Encrypt(dataKey, valueNonce, plaintext, Encoding.UTF8.GetBytes(location), target[ValueCipherAt..]);
        return envelope;
    }

    private static void Encrypt(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> context, Span<byte> cipherAndTag)
    {
        using var cipher = new ChaCha20Poly1305(key);
        cipher.Encrypt(nonce, plaintext, cipherAndTag[..^TagSize], cipherAndTag[^TagSize..], context);
    }

    private static bool Decrypt(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cipherAndTag, ReadOnlySpan<byte> context, Span<byte> plaintext)
    {
        using var cipher = new ChaCha20Poly1305(key);
        try
        {
            cipher.Decrypt(nonce, cipherAndTag[..^TagSize], cipherAndTag[^TagSize..], plaintext, context);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }
}
