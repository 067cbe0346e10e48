using System.Net.Sockets;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Feeds;

/// <summary>
/// Tells one receiver of every event, zone by zone in the order of the chain. Its cursor moves after the receiver has taken
/// a batch: each event is told at least once, and again only when the process ends in between.
/// </summary>
/// <param name="sink">The receiver.</param>
/// <param name="database">Ledger and cursors.</param>
/// <param name="metrics">Counts.</param>
/// <param name="clock">Database time.</param>
/// <param name="logger">A receiver that takes nothing is told once a run.</param>
internal sealed class LedgerFeed(IFeedSink sink, Database database, AuditMetrics metrics, DatabaseClock clock, ILogger logger)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private const int BatchSize = 500;

    private readonly FeedStore _cursors = new(database);
    private readonly LedgerReader _ledger = new(database);

    /// <summary>Tells everything there is; stops at the first batch that is not taken, which the next run tells again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var (zone, seq) in await _cursors.BehindAsync(sink.Name, cancellationToken)) await TellAsync(zone, seq, cancellationToken);
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested
            && fault is HttpRequestException or OperationCanceledException or IOException or SocketException or UnauthorizedAccessException or StorageUnavailableException)
        {
            metrics.FeedErrors.Add();
            AuditLog.FeedFailed(logger, fault, sink.Name);
        }
    }

    private async Task TellAsync(string zone, long after, CancellationToken cancellationToken)
    {
        while (await _ledger.ChainAsync(zone, after, BatchSize, cancellationToken) is { Count: > 0 } rows)
        {
            await sink.SendAsync(rows, cancellationToken);
            after = rows[^1].ChainSeq;
            await _cursors.MoveAsync(sink.Name, zone, after, clock.Now, cancellationToken);
            metrics.FeedEvents.Add(rows.Count);
            if (rows.Count < BatchSize) return;
        }
    }
}
