using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;

namespace Caracal.Audit.Epochs;

/// <summary>A chain of either ledger that is about to be sealed.</summary>
/// <param name="Name">As seals name it.</param>
/// <param name="ZoneId">Empty for the admin chain of no zone.</param>
/// <param name="IsAdmin">Which ledger.</param>
/// <param name="Told">What retention told of before the chain is walked; of an admin chain it removes nothing.</param>
/// <param name="Dropped">What of it explains a gap.</param>
/// <param name="ReadAsync">Rows after a sequence number, at most so many.</param>
internal sealed record SealedChain(
    string Name, string ZoneId, bool IsAdmin, IReadOnlyList<DroppedMonth> Told, DroppedRows Dropped, Func<long, int, CancellationToken, Task<ReadRows>> ReadAsync);

/// <summary>A page of a chain.</summary>
/// <param name="Rows">In order.</param>
/// <param name="Bytes">What the rows lie in, to be given back after them.</param>
internal sealed record ReadRows(IReadOnlyList<IChainRow> Rows, IDisposable? Bytes = null) : IDisposable
{
    public void Dispose() => Bytes?.Dispose();
}

/// <summary>Walks a chain from its last seal on, verifies every row, and remembers the digest at the last row of the old key.</summary>
internal sealed class EpochEnd
{
    private const int PageSize = 500;

    private readonly SealedChain _chain;
    private readonly TimeProvider _time;
    private readonly HmacKey _old;
    private readonly ChainVerifier _verifier;
    private readonly EpochDigest _digest = new();
    private long _at;
    private long _first;
    private long _count;
    private (long Seq, string Digest, long Count)? _end;

    private EpochEnd(SealedChain chain, HmacKeyRing keys, HmacKey old, ChainHead start, TimeProvider time)
    {
        _time = time;
        _chain = chain;
        _old = old;
        _at = start.Seq;
        _verifier = new ChainVerifier(keys, new ChainSweep
        {
            Predecessors = new Dictionary<string, ChainHead>(StringComparer.Ordinal) { [chain.Name] = start },
            IsDropped = (_, first, last) => chain.Dropped.Explain(first, last),
        });
    }

    /// <summary>What was found in the rows; to be asked once, after the last row.</summary>
    public ChainReport Report => field ??= _verifier.Complete();

    /// <param name="chain">The chain.</param>
    /// <param name="keys">Every key that may have signed a row.</param>
    /// <param name="old">The key whose epoch ends.</param>
    /// <param name="sealedTo">Where the last seal of the chain ends; 0 when there is none.</param>
    /// <param name="time">Paces the walk.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    public static async Task<EpochEnd> BeginAsync(SealedChain chain, HmacKeyRing keys, HmacKey old, long sealedTo, TimeProvider time, CancellationToken cancellationToken)
    {
        using var before = sealedTo == 0 ? new ReadRows([]) : await chain.ReadAsync(sealedTo - 1, 1, cancellationToken);
        return new EpochEnd(chain, keys, old, before.Rows is [var row] && row.ChainSeq == sealedTo ? new ChainHead(sealedTo, row.ContentSha256) : new ChainHead(sealedTo, ""), time);
    }

    /// <summary>Goes on to where the chain ends now. It rests as long as it works, so that a chain of millions takes no core from requests.</summary>
    public async Task AdvanceAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var begun = _time.GetTimestamp();
            using (var page = await _chain.ReadAsync(_at, PageSize, cancellationToken))
            {
                foreach (var row in page.Rows) Add(row);
                if (page.Rows.Count < PageSize) return;
            }

            await Task.Delay(_time.GetElapsedTime(begun), _time, cancellationToken);
        }
    }

    /// <summary>The epoch to seal; null when the old key signed nothing since the last one.</summary>
    public SealedEpoch? ToEpoch(string id, string rotationId) => _end is not { } end ? null : new SealedEpoch
    {
        Id = id,
        RotationId = rotationId,
        Chain = _chain.Name,
        FirstSeq = _first,
        LastSeq = end.Seq,
        KeyId = _old.KeyId,
        Digest = end.Digest,
        RowCount = end.Count,
        Problems = Report.Mismatches + Report.Breaks + Report.HmacFailures + Report.UnknownKeys.Sum(unknown => unknown.Count),
    };

    private void Add(IChainRow row)
    {
        if (_first == 0) _first = row.ChainSeq;
        _at = row.ChainSeq;
        _verifier.Add(row);
        _digest.Add(row.ChainSeq, row.ContentSha256, row.ChainHmac);
        _count++;
        if (row.HmacKeyId == _old.KeyId) _end = (row.ChainSeq, _digest.Hex, _count);
    }
}
