using System.Globalization;
using Caracal.Evidence.Canonical;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.AdminAudit;

/// <summary>The content hash and chain of the admin ledger (audit.md 5, api.md 3).</summary>
public static class AdminAuditHash
{
    /// <summary>Lock and chain name of entries that belong to no zone.</summary>
    public const string GlobalChain = "admin-audit::global";

    private const string Prefix = "admin-audit:";

    /// <summary>The chain's name in epoch seals: <c>admin-audit:&lt;zone&gt;</c> or <c>admin-audit::global</c> (operations.md 3.6).</summary>
    public static string ChainOf(string? zoneId) => string.IsNullOrEmpty(zoneId) ? GlobalChain : Prefix + zoneId;

    /// <summary>The zone of an admin chain, empty for the global one; null when the chain is of the event ledger.</summary>
    public static string? ZoneOf(string chain) =>
        chain == GlobalChain ? "" : chain.StartsWith(Prefix, StringComparison.Ordinal) ? chain[Prefix.Length..] : null;

    /// <summary>64 lower-case hex characters; every field is followed by 0x1f, the last one too.</summary>
    public static string Content(AdminAuditEntry entry)
    {
        using var preimage = new ByteBuffer();
        LedgerHash.Append(preimage, Clean(entry.Id));
        LedgerHash.Append(preimage, Clean(entry.RequestId));
        LedgerHash.Append(preimage, Clean(entry.ActorId));
        LedgerHash.Append(preimage, Clean(entry.ActorName));
        LedgerHash.Append(preimage, Clean(entry.ActorScope));
        LedgerHash.Append(preimage, Clean(entry.Action));
        LedgerHash.Append(preimage, Clean(entry.Method));
        LedgerHash.Append(preimage, Clean(entry.Path));
        LedgerHash.Append(preimage, Clean(entry.ZoneId));
        LedgerHash.Append(preimage, Clean(entry.EntityType));
        LedgerHash.Append(preimage, Clean(entry.EntityId));
        LedgerHash.Append(preimage, entry.StatusCode.ToString(CultureInfo.InvariantCulture));
        LedgerHash.Append(preimage, entry.PayloadJson);
        LedgerHash.Append(preimage, Rfc3339.Milliseconds(entry.OccurredAt));
        return LedgerHash.Sha256Hex(preimage.Written);
    }

    /// <summary>The row that follows <paramref name="head"/>; its texts are free of U+0000, as PostgreSQL demands.</summary>
    public static AdminAuditRow Link(AdminAuditEntry entry, ChainHead head, HmacKey? key)
    {
        var clean = entry with
        {
            RequestId = Clean(entry.RequestId) ?? "",
            ActorId = Clean(entry.ActorId),
            ActorName = Clean(entry.ActorName),
            ActorScope = Clean(entry.ActorScope),
            Action = Clean(entry.Action) ?? "",
            Method = Clean(entry.Method) ?? "",
            Path = Clean(entry.Path) ?? "",
            ZoneId = Clean(entry.ZoneId),
            EntityType = Clean(entry.EntityType),
            EntityId = Clean(entry.EntityId),
            OccurredAt = new DateTimeOffset(entry.OccurredAt.UtcTicks - entry.OccurredAt.UtcTicks % TimeSpan.TicksPerMillisecond, TimeSpan.Zero),
        };
        var content = Content(clean);
        return new AdminAuditRow
        {
            Entry = clean,
            ChainSeq = head.Seq + 1,
            ContentSha256 = content,
            PrevContentSha256 = head.ContentSha256.Length == 0 ? null : head.ContentSha256,
            ChainHmac = LedgerHash.ChainHmac(key, content, head.ContentSha256),
            HmacKeyId = key?.KeyId,
        };
    }

    private static string? Clean(string? text) =>
        text is null || !text.Contains('\0', StringComparison.Ordinal) ? text : text.Replace("\0", "", StringComparison.Ordinal);
}
