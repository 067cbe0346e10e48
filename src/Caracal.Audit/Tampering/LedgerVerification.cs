using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Tampering;

/// <summary>
/// Re-computes chains from stored rows: content hashes, links, MACs, gaps and cut-off tails (audit.md 6). The sweeper
/// and <c>caracal audit verify</c> run the same walk.
/// </summary>
/// <param name="database">The store.</param>
/// <param name="keys">Every slot of the audit key, archive included; null skips the MACs, only in dev.</param>
/// <param name="checkpointKey">Who signs checkpoints; null compares with none.</param>
/// <param name="kept">Checkpoints kept where nobody who can change the ledger can change them.</param>
public sealed class LedgerVerification(
    Database database, HmacKeyRing? keys, NoteKey? checkpointKey = null, IReadOnlyList<Checkpoint>? kept = null)
{
    private const int PageSize = 2000;

    private readonly SignedRoots? _roots = checkpointKey is null ? null : new(new CheckpointStore(database), checkpointKey, kept ?? []);

    private readonly LedgerReader _ledger = new(database);
    private readonly AdminLedgerReader _admin = new(database);

    /// <summary>Verifies every retained row of the event ledger and of the admin ledger.</summary>
    public async Task<ChainReport> VerifyAllAsync(CancellationToken cancellationToken)
    {
        var walk = await VerifyEventsAsync(await _ledger.ZonesAsync(cancellationToken), null, cancellationToken);
        return Join(walk, await VerifyAdminAsync(cancellationToken));
    }

    /// <summary>Verifies one zone's chain whole.</summary>
    public Task<ChainReport> VerifyZoneAsync(string zoneId, CancellationToken cancellationToken) =>
        VerifyEventsAsync([zoneId], null, cancellationToken);

    /// <summary>Verifies each chain from its first event since a time on, linked to the row before.</summary>
    public async Task<ChainReport> VerifySinceAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        await VerifyEventsAsync(await _ledger.ZonesAsync(cancellationToken), since, cancellationToken);

    private async Task<ChainReport> VerifyEventsAsync(
        IReadOnlyList<string> zones, DateTimeOffset? since, CancellationToken cancellationToken)
    {
        // Heads are read before the rows: what is appended meanwhile lies behind them and cannot look like a lost tail.
        var treeFindings = new List<ChainFinding>();
        var heads = new Dictionary<string, ChainHead>(StringComparer.Ordinal);
        var starts = new Dictionary<string, ChainHead>(StringComparer.Ordinal);
        foreach (var zone in zones)
        {
            heads[zone] = await _ledger.HeadAsync(zone, cancellationToken);
            if (since is { } time && await StartAsync(zone, time, heads[zone], cancellationToken) is { } start)
            {
                starts[zone] = start;
            }
        }

        var verifier = new ChainVerifier(keys, new ChainSweep { Heads = heads, Predecessors = starts });
        foreach (var zone in zones)
        {
            var after = starts.GetValueOrDefault(zone, ChainHead.Empty).Seq;
            var tree = _roots?.Open(zone, treeFindings.Add);
            tree?.StartAt(after, after == 0 ? new TreeFrontier() : null);
            await WalkAsync(verifier, (seq, token) => PageAsync(zone, seq, tree, token), after, cancellationToken);
            tree?.Tree.Complete();
        }

        var report = verifier.Complete();
        return report with { Findings = [.. report.Findings, .. treeFindings], CheckpointFaults = treeFindings.Count };
    }

    // A checkpoint is signed after its rows: one that is read before them cannot be ahead of them.
    private async Task<IReadOnlyList<LedgerRow>> PageAsync(string zone, long after, SignedRoots.Zone? tree, CancellationToken cancellationToken)
    {
        if (tree is not null) await tree.LoadAsync(after + PageSize, cancellationToken);
        var rows = await _ledger.ChainAsync(zone, after, PageSize, cancellationToken);
        foreach (var row in rows) tree?.Tree.Add(row.ChainSeq, row.ContentSha256);
        return rows;
    }

    // The row before the window; the head itself when the window is empty, so that a cut-off tail still shows.
    private async Task<ChainHead?> StartAsync(string zone, DateTimeOffset since, ChainHead head, CancellationToken cancellationToken)
    {
        var first = await _ledger.FirstSeqSinceAsync(zone, since, cancellationToken) ?? long.MaxValue;
        var before = await _ledger.PredecessorAsync(zone, Math.Min(first, head.Seq + 1), cancellationToken);
        return before?.Head;
    }

    private async Task<ChainReport> VerifyAdminAsync(CancellationToken cancellationToken)
    {
        var verifier = new ChainVerifier(keys);
        foreach (var zone in await _admin.ChainsAsync(cancellationToken))
        {
            await WalkAsync(verifier, (seq, token) => _admin.ChainAsync(zone, seq, PageSize, token), 0, cancellationToken);
        }

        return verifier.Complete();
    }

    private static async Task WalkAsync<TRow>(
        ChainVerifier verifier, Func<long, CancellationToken, Task<IReadOnlyList<TRow>>> page, long after, CancellationToken cancellationToken)
        where TRow : IChainRow
    {
        // The next page is read while this one is computed.
        var next = page(after, cancellationToken);
        while (true)
        {
            var rows = await next;
            if (rows.Count > 0) after = rows[^1].ChainSeq;
            var more = rows.Count == PageSize;
            if (more) next = Task.Run(() => page(after, cancellationToken), cancellationToken);
            foreach (var row in rows) verifier.Add(row);
            if (!more) return;
        }
    }

    private static ChainReport Join(ChainReport left, ChainReport right) => new(
        left.Checked + right.Checked,
        left.Mismatches + right.Mismatches,
        left.Breaks + right.Breaks,
        left.HmacFailures + right.HmacFailures,
        [.. left.Findings, .. right.Findings],
        [.. left.UnknownKeys, .. right.UnknownKeys],
        left.CheckpointFaults + right.CheckpointFaults);
}
