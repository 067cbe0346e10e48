using System.Text;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Streams;

namespace Caracal.Audit.Ingest;

/// <summary>One event as it arrived, from the stream or from a journal of this process (audit.md 2.2).</summary>
/// <param name="SourceId">Id of the stream entry; <c>journal</c> when there is none.</param>
/// <param name="Data">The exact bytes that were signed; empty when the frame has none.</param>
/// <param name="Signature">Field <c>sig</c>.</param>
/// <param name="KeyId">Field <c>kid</c>.</param>
/// <param name="Fields">Every field of the stream entry, for the dead letter; null from a journal.</param>
internal sealed record AuditFrame(
    string SourceId, ReadOnlyMemory<byte> Data, string? Signature, string? KeyId, IReadOnlyList<KeyValuePair<string, string>>? Fields)
{
    public const string Journal = "journal";

    /// <summary>The key with which this process itself has just signed the bytes; null when the signature has to be checked.</summary>
    public HmacKey? SignedHere { get; init; }

    public static AuditFrame From(StreamEntry entry) => new(
        entry.Id,
        entry.Value("data") is { } data ? Encoding.UTF8.GetBytes(data) : ReadOnlyMemory<byte>.Empty,
        entry.Value("sig"),
        entry.Value("kid"),
        entry.Fields);
}

/// <summary>A frame that passed every check, ready to be appended.</summary>
/// <param name="Frame">Where it came from.</param>
/// <param name="Entry">Its content, canonical.</param>
/// <param name="Content">The content hash.</param>
/// <param name="IngestKeyId">The key that matched its signature.</param>
internal sealed record AcceptedEvent(AuditFrame Frame, LedgerEntry Entry, string Content, string? IngestKeyId);
