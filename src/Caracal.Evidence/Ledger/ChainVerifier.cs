using Caracal.Keys.Rings;

namespace Caracal.Evidence.Ledger;

/// <summary>Walks stored rows ordered by chain and sequence and reports every sign of tampering (audit.md 6).</summary>
/// <remarks>Push rows with <see cref="Add"/> and end with <see cref="Complete"/>, or hand over a stream. One walk per instance.</remarks>
public sealed class ChainVerifier
{
    private readonly HmacKeyRing? ring;
    private readonly ChainSweep sweep;
    private readonly EpochWalk epochs;
    private readonly List<ChainFinding> findings = [];
    private readonly Dictionary<(string Chain, string KeyId), long> unknown = [];
    private readonly HashSet<string> walked = new(StringComparer.Ordinal);
    private string? chain;
    private ChainHead last = ChainHead.Empty;
    private bool isKeyed;
    private long rowsChecked;
    private long mismatches;
    private long breaks;
    private long hmacFailures;

    /// <param name="ring">Current, next, previous and archive keys; null only in dev without a key.</param>
    /// <param name="sweep">Heads, predecessors, drops and seals.</param>
    public ChainVerifier(HmacKeyRing? ring, ChainSweep? sweep = null)
    {
        this.ring = ring;
        this.sweep = sweep ?? new ChainSweep();
        epochs = new EpochWalk(this.sweep, ring, Report, CountUnknown);
    }

    /// <summary>Rows added so far.</summary>
    public long Checked => rowsChecked;

    /// <summary>What was found so far; the first <see cref="ChainSweep.MaxFindings"/>.</summary>
    public IReadOnlyList<ChainFinding> Findings => findings;

    public static async Task<ChainReport> VerifyAsync<TRow>(
        IAsyncEnumerable<TRow> rows, HmacKeyRing? ring, ChainSweep? sweep, CancellationToken ct)
        where TRow : IChainRow
    {
        var verifier = new ChainVerifier(ring, sweep);
        await foreach (var row in rows.WithCancellation(ct)) verifier.Add(row);
        return verifier.Complete();
    }

    public static ChainReport Verify<TRow>(IEnumerable<TRow> rows, HmacKeyRing? ring, ChainSweep? sweep = null)
        where TRow : IChainRow
    {
        var verifier = new ChainVerifier(ring, sweep);
        foreach (var row in rows) verifier.Add(row);
        return verifier.Complete();
    }

    public void Add(IChainRow row)
    {
        if (row.Chain != chain) Enter(row.Chain);
        rowsChecked++;
        CheckLink(row);
        if (row.ComputeContent() != row.ContentSha256)
        {
            Report(new(ChainFault.ContentMismatch, row.Chain, row.ChainSeq, row.RowId, last.Seq, row.HmacKeyId, "the row's fields do not give its content hash"));
        }

        CheckHmac(row);
        CheckHead(row);
        epochs.Add(row);
        last = new ChainHead(row.ChainSeq, row.ContentSha256);
    }

    /// <summary>What was kept of a row that retention removed, in its place among the rows.</summary>
    public void AddRemoved(RemovedRow row)
    {
        if (row.Chain != chain) Enter(row.Chain);
        epochs.Add(row);
    }

    public ChainReport Complete()
    {
        if (chain is not null) Leave();
        chain = null;
        foreach (var (name, head) in sweep.Heads)
        {
            // A chain with a head and no row at all has been emptied, unless the walk started at its end.
            var start = sweep.Predecessors.GetValueOrDefault(name, ChainHead.Empty);
            if (!walked.Add(name)) continue;
            CheckTail(name, start, head);
            if (!epochs.HasSeal(name)) continue;
            epochs.Enter(name, start.Seq);
            epochs.Leave(start.Seq);
        }

        return new ChainReport(
            rowsChecked, mismatches, breaks, hmacFailures, findings,
            [.. unknown.Select(pair => new UnknownKeyRows(pair.Key.Chain, pair.Key.KeyId, pair.Value))]);
    }

    private void Enter(string name)
    {
        if (chain is not null) Leave();
        chain = name;
        walked.Add(name);
        last = sweep.Predecessors.GetValueOrDefault(name, ChainHead.Empty);
        isKeyed = last.Seq > 0 && !sweep.LegacyStarts.Contains(name);
        epochs.Enter(name, last.Seq);
    }

    private void Leave()
    {
        if (sweep.Heads.TryGetValue(chain!, out var head)) CheckTail(chain!, last, head);
        epochs.Leave(last.Seq);
    }

    private void CheckLink(IChainRow row)
    {
        var expected = last.Seq + 1;
        var detail = row.ChainSeq switch
        {
            _ when row.ChainSeq < expected => "the sequence number does not rise",
            _ when row.ChainSeq > expected && !sweep.IsDropped(row.Chain, expected, row.ChainSeq - 1) => $"rows {expected} to {row.ChainSeq - 1} are missing",
            _ when row.ChainSeq == expected && (row.PrevContentSha256 ?? "") != last.ContentSha256 => "the row is linked to another predecessor",
            _ => null,
        };
        if (detail is not null) Report(new(ChainFault.ChainBreak, row.Chain, row.ChainSeq, row.RowId, last.Seq, null, detail));
    }

    private void CheckHead(IChainRow row)
    {
        // The head's own row was rewritten together with its links: only the head still knows the old hash.
        if (sweep.Heads.TryGetValue(row.Chain, out var head) && row.ChainSeq == head.Seq && row.ContentSha256 != head.ContentSha256)
        {
            Report(new(ChainFault.ChainBreak, row.Chain, row.ChainSeq, row.RowId, last.Seq, null, "the row is not the recorded head of its chain"));
        }
    }

    private void CheckTail(string name, ChainHead end, ChainHead head)
    {
        if (end.Seq >= head.Seq || sweep.IsDropped(name, end.Seq + 1, head.Seq)) return;
        Report(new(ChainFault.ChainBreak, name, end.Seq + 1, null, end.Seq, null, $"the tail is missing: rows {end.Seq + 1} to {head.Seq}"));
    }

    private void CheckHmac(IChainRow row)
    {
        if (ring is null) return;
        var preimage = LedgerHash.ChainPreimage(row.ContentSha256, row.PrevContentSha256, stackalloc byte[LedgerHash.PreimageSize]);
        if (row.HmacKeyId is not { } keyId)
        {
            CheckLegacy(row, preimage);
            return;
        }

        isKeyed = true;
        var isSealed = epochs.IsInside(row.ChainSeq);
        if (epochs.EndsBefore(keyId, row.ChainSeq))
        {
            Mismatch(row, "the row uses a key whose epoch was sealed before it");
            return;
        }

        if (sweep.CompromisedKeys.Contains(keyId) || ring.Find(keyId, out _) is not { } key)
        {
            if (isSealed) epochs.Rely(row.ChainSeq, keyId);
            else CountUnknown(row.Chain, keyId, 1);
            return;
        }

        if (!key.VerifyHex(preimage, row.ChainHmac)) Mismatch(row, "the named key did not make the chain MAC");
    }

    // Rows that name no key come before all that do. Any loaded key may have made them, but none that has ended or leaked: leaving the
    // name out must not get a row past what is checked of the name.
    private void CheckLegacy(IChainRow row, ReadOnlySpan<byte> preimage)
    {
        if (isKeyed || epochs.IsBehindSeal(row.ChainSeq))
        {
            Mismatch(row, "the row names no key though rows before it do or are sealed");
            return;
        }

        var isSealed = epochs.IsInside(row.ChainSeq);
        foreach (var slot in ring!.Keys.All())
        {
            if (!slot.Key.VerifyHex(preimage, row.ChainHmac)) continue;
            if (isSealed || (!sweep.CompromisedKeys.Contains(slot.Key.KeyId) && !epochs.EndsBefore(slot.Key.KeyId, row.ChainSeq))) return;
            Mismatch(row, "a key that proves nothing here made the chain MAC");
            return;
        }

        Mismatch(row, "no loaded key made the chain MAC");
    }

    private void CountUnknown(string name, string keyId, long count) => unknown[(name, keyId)] = unknown.GetValueOrDefault((name, keyId)) + count;

    private void Mismatch(IChainRow row, string detail) =>
        Report(new(ChainFault.HmacMismatch, row.Chain, row.ChainSeq, row.RowId, last.Seq, row.HmacKeyId, detail));

    private void Report(ChainFinding finding)
    {
        switch (finding.Fault)
        {
            case ChainFault.ContentMismatch: mismatches++; break;
            case ChainFault.ChainBreak: breaks++; break;
            default: hmacFailures++; break;
        }

        if (findings.Count < sweep.MaxFindings) findings.Add(finding);
    }
}
