using Caracal.Evidence.Canonical;

namespace Caracal.Evidence.Ledger;

/// <summary>
/// Rows of one zone as the bytes that were hashed, for whoever verifies and reads nothing else of them: a verification
/// spends most of its time on texts that it only turns back into these bytes.
/// </summary>
public sealed class PreimagePage : IDisposable
{
    // A page is filled before it is read: what a row refers to does not move any more.
    private readonly ByteBuffer bytes = new();
    private readonly List<IChainRow> rows = [];
    private int start;
    private int idLength;

    /// <summary>The rows added so far; they live as long as the page.</summary>
    public IReadOnlyList<IChainRow> Rows => rows;

    /// <summary>Appends the row's next text, first the event's id; absent ones are empty.</summary>
    public void AppendText(ReadOnlySpan<byte> utf8)
    {
        if (bytes.Length == start) idLength = utf8.Length;
        bytes.Write(utf8);
        bytes.Write(LedgerHash.Separator);
    }

    /// <summary>Appends the row's next JSON text; an absent one counts as <c>null</c>.</summary>
    /// <param name="utf8">The text as it is stored.</param>
    /// <param name="isNull">Whether there is none; an empty text is one, and not what was written.</param>
    public void AppendJson(ReadOnlySpan<byte> utf8, bool isNull) => AppendText(isNull ? "null"u8 : utf8);

    /// <summary>Appends the time, which ends the content, and the row with it.</summary>
    /// <param name="occurredAt">UTC.</param>
    /// <param name="links">What is stored of the row beside its content.</param>
    public void Add(DateTimeOffset occurredAt, StoredLinks links)
    {
        Span<byte> digits = stackalloc byte[LedgerHash.MostTimeDigits];
        bytes.Write(digits[..LedgerHash.WriteNanoseconds(occurredAt, digits)]);
        rows.Add(new Row(this, start, bytes.Length - start, idLength, links));
        start = bytes.Length;
    }

    public void Dispose() => bytes.Dispose();

    private sealed class Row(PreimagePage page, int start, int length, int idLength, StoredLinks links) : IChainRow
    {
        public string Chain => links.Chain;
        public string RowId => System.Text.Encoding.UTF8.GetString(page.bytes.Written.Slice(start, idLength));
        public long ChainSeq => links.ChainSeq;
        public string ContentSha256 => links.ContentSha256;
        public string? PrevContentSha256 => links.PrevContentSha256;
        public string? ChainHmac => links.ChainHmac;
        public string? HmacKeyId => links.HmacKeyId;

        public string ComputeContent() => LedgerHash.Sha256Hex(page.bytes.Written.Slice(start, length));
    }
}

/// <summary>What is stored of a row beside its content (<see cref="IChainRow"/>).</summary>
public readonly record struct StoredLinks(
    string Chain, long ChainSeq, string ContentSha256, string? PrevContentSha256, string? ChainHmac, string? HmacKeyId);
