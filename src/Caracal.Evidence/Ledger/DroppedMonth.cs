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

    public DroppedRange Range => new(MinSeq, MaxSeq, RowCount);

    /// <summary>The same, vouched for by the current key.</summary>
    public DroppedMonth Signed(HmacKey? key) => key is null ? this : this with { DropHmac = key.SignHex(Preimage()), HmacKeyId = key.KeyId };

    /// <summary>Whether a loaded key, archived ones too, vouches for it; without any key nothing is vouched for (dev).</summary>
    public bool IsVouched(HmacKeyRing? ring) =>
        ring is null || (DropHmac is not null && ring.Find(HmacKeyId, out _) is { } key && key.VerifyHex(Preimage(), DropHmac));

    // Zones and partitions have names without line ends, so no two records give the same text.
    private byte[] Preimage() => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"caracal.audit.drop.v1\n{PartitionName}\n{ZoneId}\n{MinSeq}\n{MaxSeq}\n{RowCount}\n{Rfc3339.Microseconds(DroppedAt)}\n"));
}
