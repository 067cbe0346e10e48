using System.Buffers.Text;
using System.Security.Cryptography;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Sealing;

/// <summary>Seals what a browser carries between requests to the console, under <c>CARACAL_AUTH_SECRET</c> (operations.md 2.1): ChaCha20-Poly1305, base64url text.</summary>
public static class SignInSeal
{
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private static ReadOnlySpan<byte> Purpose => "caracal.console.sign-in.v1"u8;

    /// <summary>Sealed under the ring's current secret.</summary>
    public static string Seal(TokenRing ring, ReadOnlySpan<byte> content)
    {
        var sealedBytes = new byte[NonceSize + content.Length + TagSize];
        var nonce = sealedBytes.AsSpan(0, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = Cipher(ring.Current);
        cipher.Encrypt(nonce, content, sealedBytes.AsSpan(NonceSize, content.Length), sealedBytes.AsSpan(NonceSize + content.Length), Purpose);
        return Base64Url.EncodeToString(sealedBytes);
    }

    /// <summary>What was sealed under any loaded secret; null for anything else.</summary>
    public static byte[]? Open(TokenRing ring, ReadOnlySpan<char> text)
    {
        if (!Base64Url.IsValid(text)) return null;
        var sealedBytes = Base64Url.DecodeFromChars(text);
        if (sealedBytes.Length < NonceSize + TagSize) return null;
        foreach (var (_, secret) in ring.Tokens.All())
        {
            if (TryOpen(secret, sealedBytes) is { } content) return content;
        }

        return null;
    }

    private static byte[]? TryOpen(SecretText secret, byte[] sealedBytes)
    {
        var content = new byte[sealedBytes.Length - NonceSize - TagSize];
        using var cipher = Cipher(secret);
        try
        {
            cipher.Decrypt(
                sealedBytes.AsSpan(0, NonceSize), sealedBytes.AsSpan(NonceSize, content.Length), sealedBytes.AsSpan(NonceSize + content.Length), content, Purpose);
            return content;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static ChaCha20Poly1305 Cipher(SecretText secret)
    {
        Span<byte> key = stackalloc byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret.Utf8, key, salt: [], info: Purpose);
        try
        {
            return new ChaCha20Poly1305(key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }
}
