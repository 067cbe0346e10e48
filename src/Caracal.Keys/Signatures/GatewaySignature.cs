using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Rings;

namespace Caracal.Keys.Signatures;

/// <summary>What checking a Gateway → STS signature came to; the default refuses (sts.md 5).</summary>
public enum GatewayVerdict
{
    Malformed,
    Skewed,
    Mismatch,
    Accepted,
}

/// <summary>The HMAC that authenticates the Gateway and the API to the STS (sts.md 5, operations.md 3.3).</summary>
/// <remarks>A nonce must still be spent once by the caller: this class keeps no state.</remarks>
public static class GatewaySignature
{
    public const string TimestampHeader = "X-Caracal-Gateway-Timestamp";
    public const string NonceHeader = "X-Caracal-Gateway-Request";
    public const string SignatureHeader = "X-Caracal-Gateway-Signature";

    /// <summary>Largest accepted difference between the two clocks.</summary>
    public static readonly TimeSpan MaxSkew = TimeSpan.FromSeconds(60);

    /// <summary>How long a spent nonce must be remembered.</summary>
    public static readonly TimeSpan NonceLifetime = TimeSpan.FromSeconds(120);

    /// <summary>32 random bytes in hex, as the Gateway sends.</summary>
    public static string NewNonce()
    {
        Span<byte> random = stackalloc byte[32];
        RandomNumberGenerator.Fill(random);
        return Convert.ToHexStringLower(random);
    }

    /// <param name="ring">Its current key signs.</param>
    /// <param name="timestamp">Unix seconds, decimal, as sent.</param>
    /// <param name="nonce">Any non-empty unique text.</param>
    /// <param name="method">Upper-case HTTP method.</param>
    /// <param name="path">As on the wire: percent-encoding kept, no query.</param>
    /// <param name="body">Exact body bytes.</param>
    public static string Sign(
        HmacKeyRing ring, string timestamp, string nonce, string method, string path, ReadOnlySpan<byte> body)
    {
        Span<byte> mac = stackalloc byte[HmacKey.MacSize];
        var buffer = ArrayPool<byte>.Shared.Rent(CanonicalLength(timestamp, nonce, method, path));
        ring.Sign(buffer.AsSpan(0, WriteCanonical(buffer, timestamp, nonce, method, path, body)), mac);
        ArrayPool<byte>.Shared.Return(buffer);
        return Convert.ToHexStringLower(mac);
    }

    public static GatewayVerdict Verify(
        HmacKeyRing ring, string timestamp, string nonce, string method, string path, ReadOnlySpan<byte> body,
        string signature, DateTimeOffset now, out KeySlot slot)
    {
        slot = KeySlot.None;
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || string.IsNullOrEmpty(nonce)
            || nonce.AsSpan().IndexOfAnyInRange('\0', '\x1f') >= 0)
        {
            return GatewayVerdict.Malformed;
        }

        if (Math.Abs((decimal)now.ToUnixTimeMilliseconds() - (decimal)seconds * 1000) > (decimal)MaxSkew.TotalMilliseconds) return GatewayVerdict.Skewed;

        var buffer = ArrayPool<byte>.Shared.Rent(CanonicalLength(timestamp, nonce, method, path));
        var length = WriteCanonical(buffer, timestamp, nonce, method, path, body);
        var verified = ring.VerifyHex(buffer.AsSpan(0, length), signature, out slot);
        ArrayPool<byte>.Shared.Return(buffer);
        return verified ? GatewayVerdict.Accepted : GatewayVerdict.Mismatch;
    }

    private static int CanonicalLength(string timestamp, string nonce, string method, string path) =>
        Encoding.UTF8.GetMaxByteCount(timestamp.Length + nonce.Length + method.Length + path.Length) + 4 + 64;

    private static int WriteCanonical(
        Span<byte> target, string timestamp, string nonce, string method, string path, ReadOnlySpan<byte> body)
    {
        var at = 0;
        foreach (var part in (ReadOnlySpan<string>)[timestamp, nonce, method, path])
        {
            at += Encoding.UTF8.GetBytes(part, target[at..]);
            target[at++] = (byte)'\n';
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, digest);
        Convert.TryToHexStringLower(digest, target[at..], out var written);
        return at + written;
    }
}
