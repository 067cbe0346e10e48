using Caracal.Evidence.Receipts;

namespace Caracal.Cli.Ledger.Receipts;

/// <summary>What became of a receipt; the default proves nothing.</summary>
/// <param name="Word"><c>proven</c>, <c>not_yet</c>, or why not.</param>
/// <param name="Detail">For people.</param>
/// <param name="ChainSeq">The event's place; 0 when it was not found.</param>
/// <param name="TreeSize">Rows of the signed tree it is in; 0 when it is in none.</param>
internal sealed record ReceiptOutcome(string Word, string Detail, long ChainSeq = 0, long TreeSize = 0)
{
    private const string ProvenWord = "proven";
    private const string NotYetWord = "not_yet";

    /// <summary>0 proven, 1 disproven, 3 to be asked again later; 2 is for what cannot be read.</summary>
    public int ExitCode => Word switch { ProvenWord => 0, NotYetWord => 3, _ => 1 };

    public static ReceiptOutcome Proven(long seq, long size) =>
        new(ProvenWord, $"event {seq} of a tree of {size} events that the checkpoint key signed", seq, size);

    public static ReceiptOutcome NotYet(string detail) => new(NotYetWord, detail);

    public static ReceiptOutcome Of(ReceiptFault fault) => new(fault.Word, fault.Detail);

    /// <summary>Nobody has the event: young ones may still be on their way.</summary>
    /// <param name="receipt">Its event id says when it was made.</param>
    /// <param name="since">Events from then on may be missing.</param>
    /// <param name="where">Where the event is not.</param>
    public static ReceiptOutcome Missing(Receipt receipt, DateTimeOffset since, string where) =>
        TimeOf(receipt.EventId) is { } made && made >= since
            ? NotYet($"the event is not in {where} yet")
            : new("event_missing", $"the event is not in {where}, and it should be");

    // RFC 9562 5.7: the first 48 bits of a version 7 UUID are milliseconds since 1970.
    private static DateTimeOffset? TimeOf(string eventId) =>
        Guid.TryParse(eventId, out var id) && id.Version == 7
            ? DateTimeOffset.FromUnixTimeMilliseconds(Convert.ToInt64(id.ToString("N")[..12], 16))
            : null;
}
