using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Tampering;

/// <summary>What is left of a chain's removed rows, page by page beside the rows that are there.</summary>
/// <param name="read">The next ones after a sequence number.</param>
/// <param name="after">Where the walk starts.</param>
internal sealed class RemovedWalk(Func<long, CancellationToken, Task<IReadOnlyList<RemovedRow>>> read, long after)
{
    private IReadOnlyList<RemovedRow>? _page;
    private int _next;

    /// <summary>Whether there is none before a place any more.</summary>
    public bool IsPast(long seq) => _page is not null && (_page.Count == 0 || (_next < _page.Count && _page[_next].ChainSeq >= seq));

    /// <summary>The next one before a place; null when there is none.</summary>
    public async Task<RemovedRow?> TakeAsync(long before, CancellationToken cancellationToken)
    {
        if (_page is null || (_next == _page.Count && _page.Count > 0))
        {
            _page = await read(_page is null ? after : _page[^1].ChainSeq, cancellationToken);
            _next = 0;
        }

        return IsPast(before) ? null : _page[_next++];
    }
}
