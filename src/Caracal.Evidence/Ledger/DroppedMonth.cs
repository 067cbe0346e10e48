using System.Globalization;
using System.Text;
using Caracal.Evidence.Events;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Ledger;

/// <summary>What retention removed of one zone's chain at once, as it is recorded before it is removed (audit.md 7).</summary>
public sealed record DroppedMonth
{
    public required string ZoneId { get; init; }

    /// <summary>The month's partition; what came late for it and was removed later has a suffix.</summary>
    public required string PartitionName { get; init; }

    /// <summary>Lowest sequence number.</summary>
    public required long MinSeq { get; init; }

    /// <summary>Highest.</summary>
    public required long MaxSeq { get; init; }

    public required long RowCount { get; init; }

    public required DateTimeOffset DroppedAt { get; init; }

    /// <summary>Lower-case hex by the key named beside it; null in dev without a key.</summary>
    public string? DropHmac { get; init; }

    public string? HmacKeyId { get; init; }

    /// <summary>What each later audit key said of it (operations.md 4.6.3): so it does not depend on a key that is gone.</summary>
    public IReadOnlyList<EpochMac> Macs { get; init; } = [];

    public DroppedRange Range => new(MinSeq, MaxSeq, RowCount);

    /// <summary>The same, vouched for by the current key.</summary>
    public DroppedMonth Signed(HmacKey? key) => key is null ? this : this with { DropHmac = Mac(key).Mac, HmacKeyId = key.KeyId };

    /// <summary>What a key says of it.</summary>
    public EpochMac Mac(HmacKey key) => new(key.KeyId, key.SignHex(Preimage()));

    /// <summary>Whether a loaded key, archived ones too, vouches for it; without any key nothing is vouched for (dev).</summary>
    public bool IsVouched(HmacKeyRing? ring) =>
        ring is null || IsBy(ring, HmacKeyId, DropHmac) || Macs.Any(mac => IsBy(ring, mac.MacKeyId, mac.Mac));

    /// <summary>Whether there is something the key says of it.</summary>
    public bool IsBy(string keyId) => HmacKeyId == keyId || Macs.Any(mac => mac.MacKeyId == keyId);

    private bool IsBy(HmacKeyRing ring, string? keyId, string? mac) => mac is not null && ring.Find(keyId, out _) is { } key && key.VerifyHex(Preimage(), mac);

    // Zones and partitions have names without line ends, so no two records give the same text.
    private byte[] Preimage() => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"caracal.audit.drop.v1\n{PartitionName}\n{ZoneId}\n{MinSeq}\n{MaxSeq}\n{RowCount}\n{Rfc3339.Microseconds(DroppedAt)}\n"));
}
