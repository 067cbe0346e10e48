using System.Security.Cryptography;
using System.Text;

namespace Caracal.Keys.Secrets;

/// <summary>The stored form <c>sha256$&lt;64 hex&gt;</c> of a secret we generated (spec ruling 1, sts.md 3).</summary>
public static class SecretHash
{
    private const string Prefix = "sha256$";

    public static string Of(ReadOnlySpan<char> secret)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        Digest(secret, digest);
        return Prefix + Convert.ToHexStringLower(digest);
    }

    /// <summary>True only for a well-formed record of exactly this secret; an absent or malformed record costs the same work.</summary>
    public static bool Verify(string? stored, ReadOnlySpan<char> presented)
    {
        Span<byte> expected = stackalloc byte[SHA256.HashSizeInBytes];
        var wellFormed = TryDecode(stored, expected);
        Span<byte> actual = stackalloc byte[SHA256.HashSizeInBytes];
        Digest(presented, actual);
        return CryptographicOperations.FixedTimeEquals(expected, actual) & wellFormed;
    }

    private static bool TryDecode(string? stored, Span<byte> digest)
    {
        digest.Clear();
        if (stored is null || stored.Length != Prefix.Length + 64 || !stored.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        return LowerHex.TryDecode(stored.AsSpan(Prefix.Length), digest);
    }

    internal static void Digest(ReadOnlySpan<char> secret, Span<byte> digest)
    {
        var length = Encoding.UTF8.GetByteCount(secret);
        var heap = length <= 512 ? null : new byte[length];
        Span<byte> utf8 = heap ?? stackalloc byte[512];
        utf8 = utf8[..Encoding.UTF8.GetBytes(secret, utf8)];
        SHA256.HashData(utf8, digest);
        CryptographicOperations.ZeroMemory(utf8);
    }
}
