using System.Text.Json;
using Caracal.Evidence.Canonical;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Ledger;

/// <summary>Dead-letter reasons of ingest (audit.md 3).</summary>
public static class IngestReasons
{
    public const string MissingDataField = "missing_data_field";
    public const string EventTooLarge = "event_too_large";
    public const string HmacVerifyFailed = "hmac_verify_failed";
    public const string TamperOnReplay = "tamper_on_replay";

    /// <summary>Followed by the parser's text.</summary>
    public const string JsonParseErrorPrefix = "json_parse_error:";

    /// <summary>Followed by the database's text; such an entry may be replayed.</summary>
    public const string TransientPrefix = "transient_exceeded_max_deliveries:";

    /// <summary>Followed by the database's text; such an entry may be replayed.</summary>
    public const string PermanentPrefix = "pg_permanent_error:";
}

/// <summary>What ingest made of one frame: an entry to insert, or the reason to dead-letter it. The default is a refusal.</summary>
/// <param name="Entry">Null when refused.</param>
/// <param name="Reason">Null when accepted.</param>
/// <param name="Slot">The slot whose key matched <c>sig</c>; <see cref="KeySlot.None"/> when no key is configured.</param>
/// <param name="IngestKeyId">Key id to store beside the row.</param>
public readonly record struct IngestVerdict(LedgerEntry? Entry, string? Reason, KeySlot Slot, string? IngestKeyId);

/// <summary>The checks every audit frame passes before it may enter the ledger, in the order of audit.md 3.</summary>
public static class IngestCheck
{
    /// <summary>Default of <c>AUDIT_MAX_EVENT_BYTES</c>.</summary>
    public const int DefaultMaxEventBytes = 1024 * 1024;

    /// <param name="data">Field <c>data</c>, exact bytes; empty when the frame has none.</param>
    /// <param name="signature">Field <c>sig</c>.</param>
    /// <param name="keyId">Field <c>kid</c>; only a hint, every slot is tried without it.</param>
    /// <param name="ring">Null only in dev without a key: signatures are then ignored.</param>
    /// <param name="maxBytes"><c>AUDIT_MAX_EVENT_BYTES</c>.</param>
    public static IngestVerdict Examine(
        ReadOnlySpan<byte> data, string? signature, string? keyId, HmacKeyRing? ring, int maxBytes = DefaultMaxEventBytes)
    {
        if (Shape(data, maxBytes) is { } reason) return Refused(reason);
        var slot = KeySlot.None;
        string? matched = null;
        if (ring is not null)
        {
            // Archived keys prove history and admit nothing new (audit.md 9): Match never tries them.
            matched = ring.Match(data, signature, keyId, out slot)?.KeyId;
            if (matched is null) return Refused(IngestReasons.HmacVerifyFailed);
        }

        return Read(data, slot, matched);
    }

    /// <summary>The checks of an event that this process has just signed itself with its current key.</summary>
    public static IngestVerdict ExamineOwn(ReadOnlySpan<byte> data, HmacKey signer, int maxBytes = DefaultMaxEventBytes) =>
        Shape(data, maxBytes) is { } reason ? Refused(reason) : Read(data, KeySlot.Current, signer.KeyId);

    private static string? Shape(ReadOnlySpan<byte> data, int maxBytes) =>
        data.IsEmpty ? IngestReasons.MissingDataField : data.Length > maxBytes ? IngestReasons.EventTooLarge : null;

    private static IngestVerdict Read(ReadOnlySpan<byte> data, KeySlot slot, string? matched)
    {
        try
        {
            return new IngestVerdict(IngestParser.Parse(data), null, slot, matched);
        }
        catch (Exception exception) when (exception is JsonException or CanonicalFormException)
        {
            return Refused(IngestReasons.JsonParseErrorPrefix + exception.Message);
        }
    }

    private static IngestVerdict Refused(string reason) => new(null, reason, KeySlot.None, null);
}
