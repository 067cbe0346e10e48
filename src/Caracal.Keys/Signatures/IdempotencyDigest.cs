using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Rings;

namespace Caracal.Keys.Signatures;

/// <summary>Digests of a caller's idempotency key: the key itself is never stored (coordinator.md 10, operations.md 3.5).</summary>
public static class IdempotencyDigest
{
    private static ReadOnlySpan<byte> Domain => "caracal:coordinator:idempotency:v1\0"u8;

    private static ReadOnlySpan<byte> LockDomain => "caracal:coordinator:idempotency-lock:v1\0"u8;

    /// <summary>The fixed key of <c>dev</c> mode (operations.md 2.4); published modes refuse to run on it.</summary>
    public static HmacKeyRing DevelopmentRing() =>
        HmacKeyRing.Of(KeyClass.IdempotencyHmac, "caracal-development-idempotency-key"u8);

    /// <summary>32 bytes under the current key: the form to store.</summary>
    public static byte[] Of(HmacKeyRing ring, string key) => Of(ring.Current, key);

    /// <summary>Digests to look a receipt up with, one per loaded key, current first.</summary>
    public static byte[][] Candidates(HmacKeyRing ring, string key) =>
        [.. ring.Keys.All().Select(slot => Of(slot.Key, key))];

    /// <summary>64 hex characters for the lock name; unkeyed, because every replica must lock alike during a rotation.</summary>
    public static string LockName(string key) => Convert.ToHexStringLower(SHA256.HashData(Preimage(LockDomain, key)));

    private static byte[] Of(HmacKey hmac, string key)
    {
        var digest = new byte[HmacKey.MacSize];
        hmac.Sign(Preimage(Domain, key), digest);
        return digest;
    }

    private static byte[] Preimage(ReadOnlySpan<byte> domain, string key)
    {
        var preimage = new byte[domain.Length + Encoding.UTF8.GetByteCount(key)];
        domain.CopyTo(preimage);
        Encoding.UTF8.GetBytes(key, preimage.AsSpan(domain.Length));
        return preimage;
    }
}
