using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Receipts;

/// <summary>
/// What an answer says of its own audit event, so that its place in the ledger can be proven later: header
/// <c>X-Caracal-Receipt</c>, a structured field (RFC 9651) like
/// <c>zone="z1", event="019a…", sha256=:…:, kid="e1b7708d5e844531", mac=:…:</c>.
/// </summary>
public sealed partial record Receipt
{
    private const string Domain = "caracal.audit.receipt.v1";

    public required string ZoneId { get; init; }

    public required string EventId { get; init; }

    /// <summary>The event's content hash, 64 hex characters; null while the event was still open when the header left.</summary>
    public string? ContentSha256 { get; init; }

    /// <summary>The audit key of <see cref="Mac"/>; null only where dev has none.</summary>
    public string? KeyId { get; init; }

    /// <summary>HMAC-SHA256 by which whoever holds the audit key knows a receipt it gave from one it did not.</summary>
    public byte[]? Mac { get; init; }

    /// <summary>Promises an event whose content is not settled yet.</summary>
    public static Receipt Promise(string zoneId, string eventId, HmacKey? key) => Vouch(new Receipt { ZoneId = zoneId, EventId = eventId }, key);

    /// <summary>Names an event by what the ledger will hold of it.</summary>
    public static Receipt Of(AuditEvent evidence, HmacKey? key) => Vouch(
        new Receipt { ZoneId = evidence.ZoneId, EventId = evidence.Id, ContentSha256 = LedgerHash.Content(IngestParser.Parse(evidence.ToUtf8())) }, key);

    /// <summary>Reads a header's value; null when it is no receipt.</summary>
    public static Receipt? Parse(string text)
    {
        if (text.Length > 4096 || Form().Match(text.Trim()) is not { Success: true } match) return null;
        var (content, mac) = (Bytes(match.Groups["sha256"]), Bytes(match.Groups["mac"]));
        if (match.Groups["sha256"].Success != (content is not null) || match.Groups["mac"].Success != (mac is not null)) return null;
        return new Receipt
        {
            ZoneId = Uri.UnescapeDataString(match.Groups["zone"].Value),
            EventId = Uri.UnescapeDataString(match.Groups["event"].Value),
            ContentSha256 = content is null ? null : Convert.ToHexStringLower(content),
            KeyId = match.Groups["kid"].Success ? match.Groups["kid"].Value : null,
            Mac = mac,
        };
    }

    /// <summary>Whether a key of the ring vouches for the receipt; null when the ring does not have the key it names.</summary>
    public bool? IsVouchedFor(HmacKeyRing ring)
    {
        if (KeyId is null || Mac is null) return false;
        return ring.Find(KeyId, out _) is { } key ? key.Verify(Preimage(), Mac) : null;
    }

    /// <summary>The header's value. Ids are any text, so they are percent-encoded.</summary>
    public override string ToString()
    {
        var text = new StringBuilder($"zone=\"{Uri.EscapeDataString(ZoneId)}\", event=\"{Uri.EscapeDataString(EventId)}\"");
        if (ContentSha256 is not null) text.Append(", sha256=:").Append(Convert.ToBase64String(Convert.FromHexString(ContentSha256))).Append(':');
        if (Mac is not null) text.Append(", kid=\"").Append(KeyId).Append("\", mac=:").Append(Convert.ToBase64String(Mac)).Append(':');
        return text.ToString();
    }

    private static Receipt Vouch(Receipt receipt, HmacKey? key)
    {
        if (key is null) return receipt;
        var mac = new byte[HmacKey.MacSize];
        key.Sign(receipt.Preimage(), mac);
        return receipt with { KeyId = key.KeyId, Mac = mac };
    }

    // Percent-encoded ids hold no line feed, so no two receipts share a preimage.
    private byte[] Preimage() => Encoding.UTF8.GetBytes($"{Domain}\n{Uri.EscapeDataString(ZoneId)}\n{Uri.EscapeDataString(EventId)}\n{ContentSha256}\n");

    private static byte[]? Bytes(Group group)
    {
        var bytes = new byte[SHA256.HashSizeInBytes + 1];
        return group.Success && Convert.TryFromBase64String(group.Value, bytes, out var length) && length == SHA256.HashSizeInBytes ? bytes[..length] : null;
    }

    [GeneratedRegex("^zone=\"(?<zone>[A-Za-z0-9._~%-]+)\", *event=\"(?<event>[A-Za-z0-9._~%-]+)\"(?:, *sha256=:(?<sha256>[A-Za-z0-9+/=]{44}):)?(?:, *kid=\"(?<kid>[0-9a-f]{16})\", *mac=:(?<mac>[A-Za-z0-9+/=]{44}):)?$")]
    private static partial Regex Form();
}
