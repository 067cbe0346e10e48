using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Caracal.Evidence.Canonical;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Ledger;

/// <summary>The content hash and chain MAC of ledger rows (audit.md 4, operations.md 3.4).</summary>
public static class LedgerHash
{
    /// <summary>Bytes over which a chain MAC is made: two hashes in hex, and what stands between them.</summary>
    internal const int PreimageSize = (2 * SHA256.HashSizeInBytes * 2) + 1;

    internal const byte Separator = 0x1f;

    /// <summary>Of nanoseconds since 1970 over the years 1 to 9999, with a sign.</summary>
    internal const int MostTimeDigits = 24;

    /// <summary>64 lower-case hex characters over every field of the entry.</summary>
    public static string Content(LedgerEntry entry)
    {
        using var preimage = new ByteBuffer();
        Append(preimage, entry.Id);
        Append(preimage, entry.ZoneId);
        Append(preimage, entry.EventType);
        Append(preimage, entry.RequestId);
        Append(preimage, entry.Decision);
        Append(preimage, entry.PolicySetId);
        Append(preimage, entry.PolicySetVersionId);
        Append(preimage, entry.ManifestSha);
        Append(preimage, entry.EvaluationStatus);
        Append(preimage, entry.DeterminingPoliciesJson ?? "null");
        Append(preimage, entry.DiagnosticsJson ?? "null");
        Append(preimage, entry.MetadataJson ?? "null");
        Span<byte> time = stackalloc byte[MostTimeDigits];
        preimage.Write(time[..WriteNanoseconds(entry.OccurredAt, time)]);
        return Sha256Hex(preimage.Written);
    }

    /// <summary>64 lower-case hex characters that bind a row to its predecessor; empty without a key (dev).</summary>
    /// <param name="key">The key whose id the row stores.</param>
    /// <param name="contentSha256">This row.</param>
    /// <param name="prevContentSha256">The row before; null or empty on the first.</param>
    public static string ChainHmac(HmacKey? key, string contentSha256, string? prevContentSha256) =>
        key is null ? "" : key.SignHex(ChainPreimage(contentSha256, prevContentSha256, stackalloc byte[PreimageSize]));

    /// <summary>The row that follows <paramref name="head"/>.</summary>
    public static LedgerRow Link(LedgerEntry entry, ChainHead head, HmacKey? key, DateTimeOffset ingestedAt)
    {
        var content = Content(entry);
        return new LedgerRow
        {
            Entry = entry,
            ChainSeq = head.Seq + 1,
            ContentSha256 = content,
            PrevContentSha256 = head.ContentSha256.Length == 0 ? null : head.ContentSha256,
            ChainHmac = ChainHmac(key, content, head.ContentSha256),
            HmacKeyId = key?.KeyId,
            IngestedAt = ingestedAt,
        };
    }

    /// <summary>What the chain MAC is made over, in the caller's memory where it fits.</summary>
    internal static ReadOnlySpan<byte> ChainPreimage(string contentSha256, string? prevContentSha256, Span<byte> memory)
    {
        // A row that somebody wrote may hold any text.
        var most = contentSha256.Length + 1 + (prevContentSha256?.Length ?? 0);
        if (most > memory.Length) memory = new byte[most];
        var length = Encoding.ASCII.GetBytes(contentSha256, memory);
        memory[length++] = (byte)'|';
        length += Encoding.ASCII.GetBytes(prevContentSha256, memory[length..]);
        return memory[..length];
    }

    internal static void Append(ByteBuffer target, string? value)
    {
        AppendText(target, value);
        target.Write(Separator);
    }

    internal static string Sha256Hex(ReadOnlySpan<byte> preimage)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(preimage, digest);
        return Convert.ToHexStringLower(digest);
    }

    /// <summary>Nanoseconds since 1970 in decimal digits, and how many bytes those are.</summary>
    internal static int WriteNanoseconds(DateTimeOffset time, Span<byte> digits)
    {
        // Microseconds with three zeros behind: nanoseconds leave a 64-bit integer in 2262.
        var microseconds = (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;
        Utf8Formatter.TryFormat(microseconds, digits, out var length);
        if (microseconds == 0) return length;
        "000"u8.CopyTo(digits[length..]);
        return length + 3;
    }

    private static void AppendText(ByteBuffer target, string? value)
    {
        if (!string.IsNullOrEmpty(value)) target.WriteUtf8(value);
    }
}
