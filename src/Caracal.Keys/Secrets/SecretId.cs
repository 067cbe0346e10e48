using System.Security.Cryptography;
using System.Text;

namespace Caracal.Keys.Secrets;

/// <summary>The <c>sid_…</c> name of a random secret value: safe in logs, evidence and APIs (operations.md 2.5).</summary>
public static class SecretId
{
    private static ReadOnlySpan<byte> Domain => "caracal:secret-id:v1"u8;

    /// <param name="classId">Key class of operations.md 2.1, for example <c>streams-hmac</c>.</param>
    /// <param name="raw">Decoded bytes of a hex key, UTF-8 of a token; at least 16 random bytes.</param>
    public static string Of(string classId, ReadOnlySpan<byte> raw)
    {
        var classLength = Encoding.UTF8.GetByteCount(classId);
        var preimage = new byte[Domain.Length + 1 + classLength + 1 + raw.Length];
        Domain.CopyTo(preimage);
        Encoding.UTF8.GetBytes(classId, preimage.AsSpan(Domain.Length + 1));
        raw.CopyTo(preimage.AsSpan(Domain.Length + classLength + 2));
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(preimage, digest);
        CryptographicOperations.ZeroMemory(preimage);
        return "sid_" + Convert.ToHexStringLower(digest[..8]);
    }
}
