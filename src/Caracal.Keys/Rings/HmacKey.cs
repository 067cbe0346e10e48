using System.Diagnostics;
using System.Security.Cryptography;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rings;

/// <summary>One HMAC-SHA256 key with the two names it may be called by (operations.md 2.5).</summary>
[DebuggerDisplay("{KeyId}")]
public sealed class HmacKey
{
    public const int MacSize = HMACSHA256.HashSizeInBytes;

    private readonly byte[] material;

    // A keyed state nobody uses at the moment: taking up the key costs more than most of what is signed.
    private IncrementalHash? idle;

    public HmacKey(string classId, ReadOnlySpan<byte> material)
    {
        if (material.IsEmpty) throw new ArgumentException("an HMAC key must not be empty", nameof(material));
        this.material = PinnedBytes.Copy(material);
        Span<byte> mac = stackalloc byte[MacSize];
        HMACSHA256.HashData(material, "caracal.kid.v1"u8, mac);
        KeyId = Convert.ToHexStringLower(mac[..8]);
        SecretId = Secrets.SecretId.Of(classId, material);
    }

    /// <summary>First 16 hex of HMAC(key, <c>caracal.kid.v1</c>): stored in rows and stream fields.</summary>
    public string KeyId { get; }

    /// <summary>The <c>sid_…</c> of logs, evidence and the registry.</summary>
    public string SecretId { get; }

    internal ReadOnlySpan<byte> Material => material;

    /// <param name="data">The signed bytes.</param>
    /// <param name="mac">Receives 32 bytes.</param>
    public void Sign(ReadOnlySpan<byte> data, Span<byte> mac)
    {
        var state = Interlocked.Exchange(ref idle, null) ?? IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, material);
        try
        {
            state.AppendData(data);
            state.GetHashAndReset(mac);
        }
        catch
        {
            state.Dispose(); // It may have taken up half of the data.
            throw;
        }

        Interlocked.Exchange(ref idle, state)?.Dispose();
    }

    public string SignHex(ReadOnlySpan<byte> data)
    {
        Span<byte> mac = stackalloc byte[MacSize];
        Sign(data, mac);
        return Convert.ToHexStringLower(mac);
    }

    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> mac)
    {
        Span<byte> expected = stackalloc byte[MacSize];
        Sign(data, expected);
        return CryptographicOperations.FixedTimeEquals(expected, mac);
    }

    public bool VerifyHex(ReadOnlySpan<byte> data, ReadOnlySpan<char> hexMac)
    {
        Span<byte> mac = stackalloc byte[MacSize];
        return LowerHex.TryDecodeAnyCase(hexMac, mac) && Verify(data, mac);
    }

    public override string ToString() => SecretId;
}
