using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Ledger;

/// <summary>The running digest of a key epoch: one step per row in sequence order (operations.md 3.6).</summary>
public sealed class EpochDigest
{
    private readonly byte[] digest = new byte[SHA256.HashSizeInBytes];

    public EpochDigest()
    {
    }

    /// <summary>Goes on where the rows before gave this digest.</summary>
    /// <param name="hex">As <see cref="Hex"/> said it. Any other text begins somewhere else, and no seal will agree.</param>
    public EpochDigest(string hex) => FromHex(hex, digest);

    /// <summary>64 lower-case hex characters.</summary>
    public string Hex => Convert.ToHexStringLower(digest);

    public void Add(long seq, string contentSha256, string? chainHmac)
    {
        Span<byte> step = stackalloc byte[32 + sizeof(long) + 32 + 32];
        digest.CopyTo(step);
        BinaryPrimitives.WriteInt64BigEndian(step[32..], seq);
        var at = 40;
        at += FromHex(contentSha256, step[at..]);
        at += FromHex(chainHmac, step[at..]);
        SHA256.HashData(step[..at], digest);
    }

    // A row whose stored hash is no hash is tampered; it still has to change the digest instead of stopping the walk.
    private static int FromHex(string? hex, Span<byte> target)
    {
        if (string.IsNullOrEmpty(hex)) return 0;
        if (hex.Length == 64 && Convert.FromHexString(hex, target, out _, out var written) == System.Buffers.OperationStatus.Done) return written;
        return SHA256.HashData(Encoding.UTF8.GetBytes(hex), target);
    }
}

/// <summary>The MAC of one sealed epoch under one key.</summary>
public sealed record EpochMac(string MacKeyId, string Mac);

/// <summary>A sealed epoch of one chain: proves its rows even after their key is gone (operations.md 3.6, 4.6.3).</summary>
public sealed record SealedEpoch
{
    public string Id { get; init; } = "";

    /// <summary>The rotation that ended the epoch.</summary>
    public string RotationId { get; init; } = "";

    /// <summary>Findings in its rows when it was sealed.</summary>
    public long Problems { get; init; }

    /// <summary>Zone id, or <c>admin-audit:…</c>.</summary>
    public required string Chain { get; init; }

    public required long FirstSeq { get; init; }

    public required long LastSeq { get; init; }

    /// <summary>The key whose epoch this closes.</summary>
    public required string KeyId { get; init; }

    /// <summary>64 lower-case hex characters of <see cref="EpochDigest"/>.</summary>
    public required string Digest { get; init; }

    /// <summary>How many rows gave it; null when nobody counted. No key vouches for it: it only tells whether all are known.</summary>
    public long? RowCount { get; init; }

    /// <summary>Where the rows begin that retention has left; null while none of the first is gone.</summary>
    public RemovedStart? Removed { get; init; }

    /// <summary>Its rotation went back: the seal still proves its rows, but its key signed on after them.</summary>
    public bool Reopened { get; init; }

    /// <summary>One per audit key that has vouched for it since.</summary>
    public IReadOnlyList<EpochMac> Macs { get; init; } = [];

    /// <summary>Whether any loaded key vouches for the seal; null when none of its keys is loaded.</summary>
    public bool? Verify(HmacKeyRing ring)
    {
        bool? verified = null;
        foreach (var mac in Macs)
        {
            if (ring.Find(mac.MacKeyId, out _) is not { } key) continue;
            if (EpochSeal.Verify(key, this, mac.Mac)) return true;
            verified = false;
        }

        return verified;
    }
}

/// <summary>Seals key epochs (operations.md 3.6).</summary>
public static class EpochSeal
{
    /// <summary>The MAC to store with the seal.</summary>
    /// <param name="key">The <em>new</em> key: the old one is about to go.</param>
    /// <param name="epoch">What it covers.</param>
    public static string Mac(HmacKey key, SealedEpoch epoch) => key.SignHex(Preimage(epoch));

    public static bool Verify(HmacKey key, SealedEpoch epoch, string mac) => key.VerifyHex(Preimage(epoch), mac);

    private static byte[] Preimage(SealedEpoch epoch) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"caracal.audit.epoch.v1\n{epoch.Chain}\n{epoch.FirstSeq}\n{epoch.LastSeq}\n{epoch.Digest}\n"));
}
