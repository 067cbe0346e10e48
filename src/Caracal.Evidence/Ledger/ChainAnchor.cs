using System.Globalization;
using System.Text;
using Caracal.Evidence.Events;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Ledger;

/// <summary>MACs over what leaves the ledger: hourly anchors and export manifests (audit.md 6, 8).</summary>
public static class ChainAnchor
{
    private static ReadOnlySpan<byte> ManifestDomain => "caracal.audit.manifest.v1\n"u8;

    /// <summary>The MAC of an hourly anchor of one chain.</summary>
    public static string Mac(HmacKey key, string zoneId, ChainHead head, DateTimeOffset anchoredAt) =>
        key.SignHex(Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"caracal.audit.anchor.v1\n{zoneId}\n{head.Seq}\n{head.ContentSha256}\n{Rfc3339.Microseconds(anchoredAt)}\n")));

    /// <summary>The content of <c>….manifest.sig</c>.</summary>
    /// <param name="key">Current audit key.</param>
    /// <param name="manifest">Exact manifest bytes.</param>
    public static string ManifestMac(HmacKey key, ReadOnlySpan<byte> manifest) => key.SignHex([.. ManifestDomain, .. manifest]);
}
