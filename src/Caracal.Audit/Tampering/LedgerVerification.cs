using System.Collections.Concurrent;
using Caracal.Evidence.AdminAudit;
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
/// <param name="progress">Told of events read, and of how many there are to read.</param>
/// <param name="agreed">Takes each signed root that the rows of a zone give.</param>
public sealed class LedgerVerification(
    Database database, HmacKeyRing? keys, NoteKey? checkpointKey = null, IReadOnlyList<Checkpoint>? kept = null, IProgress<(long Done, long Total)>? progress = null,
    Action<string, SignedRoot>? agreed = null)
{
    private const int PageSize = 2000;

    private readonly SignedRoots? _roots = checkpointKey is null ? null : new(new CheckpointStore(database), checkpointKey, kept ?? [], agreed);

    private readonly LedgerReader _ledger = new(database);
    private readonly LedgerRetention _retention = new(database);
    private readonly AdminLedgerReader _admin = new(database);
    private readonly EpochStore _epochs = new(database);
    private readonly RemovedRows _removed = new(database);

    /// <summary>Verifies every retained row of the event ledger and of the admin ledger.</summary>
    public Task<ChainReport> VerifyAllAsync(CancellationToken cancellationToken) => VerifyBothAsync(null, cancellationToken);

    /// <summary>As <see cref="VerifyAllAsync(CancellationToken)"/>, from where the journal says a walk before this one was.</summary>
    public async Task<ChainReport> VerifyAllAsync(SweepJournal journal, CancellationToken cancellationToken)
    {
        await journal.ResumeAsync(cancellationToken);
        var report = await VerifyBothAsync(journal, cancellationToken);
        await journal.CompleteAsync(report.Findings, cancellationToken);
        return report;
    }

    /// <summary>Verifies one zone's chain whole.</summary>
    public async Task<ChainReport> VerifyZoneAsync(string zoneId, CancellationToken cancellationToken) =>
        await MarkedAsync(await VerifyEventsAsync([zoneId], null, cancellationToken), [zoneId], withAdmin: false, cancellationToken);

    /// <summary>Verifies each chain from its first event since a time on, linked to the row before.</summary>
    public async Task<ChainReport> VerifySinceAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        var zones = await _ledger.ZonesAsync(cancellationToken);
        return await MarkedAsync(await VerifyEventsAsync(zones, since, cancellationToken), zones, withAdmin: false, cancellationToken);
    }

    private async Task<ChainReport> VerifyBothAsync(SweepJournal? journal, CancellationToken cancellationToken)
    {
        var zones = await _ledger.ZonesAsync(cancellationToken);
        var report = Join(await VerifyEventsAsync(zones, null, cancellationToken, journal), await VerifyAdminAsync(cancellationToken));
        return await MarkedAsync(report, zones, withAdmin: true, cancellationToken);
    }

    // What is marked as untrusted is asked for once and after the walks: a mark that came meanwhile is told.
    private async Task<ChainReport> MarkedAsync(ChainReport report, IReadOnlyList<string> zones, bool withAdmin, CancellationToken cancellationToken)
    {
        var marked = await _epochs.UntrustedAsync(cancellationToken);
        return report with
        {
            Untrusted =
            [
                .. marked.Where(rows => zones.Contains(rows.Chain)),
                .. marked.Where(rows => withAdmin && AdminAuditHash.ZoneOf(rows.Chain) is not null),
            ],
        };
    }

    private async Task<ChainReport> VerifyEventsAsync(
        IReadOnlyList<string> zones, DateTimeOffset? since, CancellationToken cancellationToken, SweepJournal? journal = null)
    {
        // Heads are read before the rows: what is appended meanwhile lies behind them and cannot look like a lost tail.
        var treeFindings = new List<ChainFinding>();
        var gone = new List<ChainFinding>();
        var heads = new Dictionary<string, ChainHead>(StringComparer.Ordinal);
        var starts = new Dictionary<string, ChainHead>(StringComparer.Ordinal);
        var legacy = new HashSet<string>(StringComparer.Ordinal);
        var dropped = new ConcurrentDictionary<string, DroppedRows>(StringComparer.Ordinal);
        foreach (var zone in zones)
        {
            dropped[zone] = await DroppedAsync(zone, gone, cancellationToken);
            heads[zone] = await _ledger.HeadAsync(zone, cancellationToken);
            if (since is { } time && await StartAsync(zone, time, heads[zone], cancellationToken) is { } start)
            {
                starts[zone] = start;
            }

            // A walk that had come further than the chain now reaches is begun anew: the rows it saw are gone.
            if (journal?.Find(zone) is { } position && position.ChainSeq <= heads[zone].Seq) starts[zone] = new ChainHead(position.ChainSeq, position.ContentSha256);
            if (starts.TryGetValue(zone, out var after) && await _ledger.PredecessorAsync(zone, after.Seq + 1, cancellationToken) is { HmacKeyId: null }) legacy.Add(zone);
        }

        var read = 0L;
        var total = zones.Sum(zone => starts.TryGetValue(zone, out var begin) ? heads[zone].Seq - begin.Seq : Math.Max(0, heads[zone].Seq - dropped[zone].Count));
        var verifier = new ChainVerifier(keys, await SealedAsync(
            new ChainSweep { Heads = heads, Predecessors = starts, LegacyStarts = legacy, IsDropped = (zone, first, last) => dropped[zone].Explain(first, last) }, cancellationToken));
        foreach (var zone in zones)
        {
            var after = starts.GetValueOrDefault(zone, ChainHead.Empty).Seq;
            var tree = _roots?.Open(zone, treeFindings.Add);
            tree?.StartAt(after, after == 0 ? new TreeFrontier() : journal?.Find(zone) is { } kept ? TreeFrontier.Import(after, kept.Frontier) : null);
            var before = verifier.Checked;
            var told = (Chain: verifier.Findings.Count, Tree: treeFindings.Count);
            await WalkAsync(
                verifier, (seq, token) => PageAsync(zone, seq, tree, token), new RemovedWalk((seq, token) => _removed.AfterAsync(zone, seq, token), after), after,
                journal is null ? null : async (page, token) =>
                {
                    await journal.PassAsync(
                        zone, new ChainHead(page.Rows[^1].ChainSeq, page.Rows[^1].ContentSha256), page.Edge, page.Rows.Count,
                        [.. verifier.Findings.Skip(told.Chain), .. treeFindings.Skip(told.Tree).Take(page.TreeFindings - told.Tree)], token);
                    told = (verifier.Findings.Count, page.TreeFindings);
                },
                cancellationToken);
            tree?.Tree.Complete(dropped[zone].Explain);
            var missing = heads[zone].Seq - after - (verifier.Checked - before);
            if (after == 0 && dropped[zone].Count > 0 && missing > dropped[zone].Count) gone.Add(Missing(zone, missing, dropped[zone].Count));
        }

        var report = verifier.Complete();
        return report with
        {
            Breaks = report.Breaks + gone.Count(finding => finding.Fault == ChainFault.ChainBreak),
            HmacFailures = report.HmacFailures + gone.Count(finding => finding.Fault == ChainFault.HmacMismatch),
            Findings = [.. report.Findings, .. gone, .. treeFindings],
            CheckpointFaults = treeFindings.Count,
        };

        // A checkpoint is signed after its rows: one that is read before them cannot be ahead of them.
        async Task<Page<IChainRow>> PageAsync(string zone, long after, SignedRoots.Zone? tree, CancellationToken token)
        {
            if (tree is not null) await tree.LoadAsync(after + PageSize, token);
            var page = await _ledger.LinksAsync(zone, after, PageSize, token);
            if (IsShort(page.Rows, after, heads[zone].Seq)) dropped[zone] = DroppedRows.Vouched(await _retention.DroppedAsync(zone, token), keys);
            foreach (var row in page.Rows) tree?.Tree.Add(row.ChainSeq, row.ContentSha256);
            progress?.Report((read += page.Rows.Count, total));
            return new Page<IChainRow>(page.Rows, page, journal is null ? null : tree?.Tree.Frontier?.Export(), treeFindings.Count);
        }
    }

    // Rows are missing in the page or behind the last one: retention may have removed them since the walk began, and told of it before.
    private static bool IsShort(IReadOnlyList<IChainRow> page, long after, long head) =>
        (page.Count > 0 && page[^1].ChainSeq != after + page.Count) || (page.Count < PageSize && after + page.Count < head);

    // A record that nobody with the key wrote explains nothing: what it was to hide is found, and it is found itself.
    private async Task<DroppedRows> DroppedAsync(string zone, List<ChainFinding> findings, CancellationToken cancellationToken)
    {
        var told = await _retention.DroppedAsync(zone, cancellationToken);
        findings.AddRange(told.Where(month => !month.IsVouched(keys)).Select(month => new ChainFinding(
            ChainFault.HmacMismatch, zone, month.MinSeq, null, 0, month.HmacKeyId, $"no loaded key vouches for the removal of {month.PartitionName}")));
        return DroppedRows.Vouched(told, keys);
    }

    // Retention explains as many rows as it told of, and not one more.
    private static ChainFinding Missing(string zone, long missing, long dropped) =>
        new(ChainFault.ChainBreak, zone, 1, null, 0, null, $"{missing} rows are missing, retention removed {dropped}");

    // The row before the window; the head itself when the window is empty, so that a cut-off tail still shows.
    private async Task<ChainHead?> StartAsync(string zone, DateTimeOffset since, ChainHead head, CancellationToken cancellationToken)
    {
        var first = await _ledger.FirstSeqSinceAsync(zone, since, cancellationToken) ?? long.MaxValue;
        var before = await _ledger.PredecessorAsync(zone, Math.Min(first, head.Seq + 1), cancellationToken);
        return before?.Head;
    }

    private async Task<ChainReport> VerifyAdminAsync(CancellationToken cancellationToken)
    {
        var verifier = new ChainVerifier(keys, await SealedAsync(new ChainSweep(), cancellationToken));
        foreach (var zone in await _admin.ChainsAsync(cancellationToken))
        {
            await WalkAsync(
                verifier, async (seq, token) => new Page<AdminAuditRow>(await _admin.ChainAsync(zone, seq, PageSize, token), null, null, 0), null, 0, null, cancellationToken);
        }

        return verifier.Complete();
    }

    // What seals say about rows whose key is gone, and which keys prove nothing any more (operations.md 4.6.3).
    private async Task<ChainSweep> SealedAsync(ChainSweep sweep, CancellationToken cancellationToken)
    {
        var compromised = await _epochs.CompromisedAsync(cancellationToken);
        return sweep with
        {
            Epochs = await _epochs.ListAsync(cancellationToken),
            CompromisedKeys = keys is null || compromised.Count == 0
                ? sweep.CompromisedKeys
                : keys.Keys.All().Where(slot => compromised.Contains(slot.Key.SecretId)).Select(slot => slot.Key.KeyId).ToHashSet(StringComparer.Ordinal),
        };
    }

    private static async Task WalkAsync<TRow>(
        ChainVerifier verifier, Func<long, CancellationToken, Task<Page<TRow>>> read, RemovedWalk? removed, long after, Func<Page<TRow>, CancellationToken, Task>? passed,
        CancellationToken cancellationToken)
        where TRow : IChainRow
    {
        // The next page is read while this one is computed.
        var next = read(after, cancellationToken);
        while (true)
        {
            using var page = await next;
            var more = page.Rows.Count == PageSize;
            if (page.Rows.Count > 0) after = page.Rows[^1].ChainSeq;
            if (more) next = Task.Run(() => read(after, cancellationToken), cancellationToken);
            foreach (var row in page.Rows)
            {
                if (removed is not null && !removed.IsPast(row.ChainSeq)) await AddRemovedAsync(row.ChainSeq);
                verifier.Add(row);
            }

            if (passed is not null && page.Rows.Count > 0)
            {
                // What the page before the next one told of its tree is not touched while the next one is read.
                if (more) await Task.WhenAny(next);
                await passed(page, cancellationToken);
            }

            if (more) continue;
            if (removed is not null) await AddRemovedAsync(long.MaxValue);
            return;
        }

        // What is left of rows that are gone, in their places; where a row is, it speaks for itself.
        async Task AddRemovedAsync(long before)
        {
            while (await removed.TakeAsync(before, cancellationToken) is { } gone) verifier.AddRemoved(gone);
        }
    }

    /// <summary>Rows, what keeps them, the tree's edge behind them, and how many findings of trees there were by then.</summary>
    private sealed record Page<TRow>(IReadOnlyList<TRow> Rows, IDisposable? Memory, string? Edge, int TreeFindings) : IDisposable
    {
        public void Dispose() => Memory?.Dispose();
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
