using Caracal.Keys.Rings;

namespace Caracal.Evidence.Ledger;

// The sealed epochs of the chain being walked: recomputes each seal's digest while its rows pass by. Of rows that retention
// removed it takes what was kept of them, and only where no row is: a row that is there speaks for itself.
internal sealed class EpochWalk(ChainSweep sweep, HmacKeyRing? ring, Action<ChainFinding> report, Action<string, string, long> unverified)
{
    private readonly List<OpenEpoch> open = [];
    private string chain = "";
    private SealedEpoch[] epochs = [];
    private SealedEpoch[] vouched = [];

    public void Enter(string name, long startedAfter)
    {
        chain = name;
        epochs = [.. sweep.Epochs.Where(epoch => epoch.Chain == chain)];
        vouched = ring is null ? [] : [.. epochs.Where(epoch => epoch.Verify(ring) == true)];
        open.Clear();

        // Told of at once: the walk may never come to where it says it ends.
        if (ring is not null)
        {
            foreach (var epoch in epochs.Except(vouched)) Fail(epoch, null, "no loaded key vouches for the epoch seal");
        }

        // A window that starts inside an epoch cannot recompute its digest; the full sweep does.
        open.AddRange(epochs.Where(epoch => epoch.FirstSeq > startedAfter).Select(epoch => new OpenEpoch(epoch)));
    }

    /// <summary>Whether a chain that has no row left has a seal to be looked at.</summary>
    public bool HasSeal(string name) => sweep.Epochs.Any(epoch => epoch.Chain == name);

    /// <summary>Whether a seal that a loaded key vouches for covers the row.</summary>
    public bool IsInside(long seq) => vouched.Any(epoch => epoch.FirstSeq <= seq && seq <= epoch.LastSeq);

    /// <summary>Whether a seal that a loaded key vouches for ends before the row.</summary>
    public bool IsBehindSeal(long seq) => vouched.Any(epoch => epoch.LastSeq < seq);

    /// <summary>Whether the key's last epoch was sealed before the row: then the row cannot be genuine (operations.md 4.6.3).</summary>
    public bool EndsBefore(string keyId, long seq)
    {
        // Anybody who can insert a row can claim a later end, so only what a key vouches for counts.
        var own = vouched.Where(epoch => epoch.KeyId == keyId && !epoch.Reopened).ToList();
        return own.Count > 0 && own.TrueForAll(epoch => epoch.LastSeq < seq);
    }

    /// <summary>Nothing but the seal proves the row: when the digest cannot be recomputed, nothing does.</summary>
    public void Rely(long seq, string keyId)
    {
        foreach (var walk in open.Where(walk => walk.Epoch.FirstSeq <= seq && seq <= walk.Epoch.LastSeq && IsProven(walk.Epoch))) walk.Rely(keyId);
    }

    public void Add(IChainRow row)
    {
        for (var i = open.Count - 1; i >= 0; i--)
        {
            var walk = open[i];
            if (row.ChainSeq < walk.Epoch.FirstSeq) continue;
            if (row.ChainSeq <= walk.Epoch.LastSeq) walk.Add(row.ChainSeq, row.ContentSha256, row.ChainHmac, isRemoved: false);
            if (row.ChainSeq < walk.Epoch.LastSeq) continue;
            Judge(walk, row);
            open.RemoveAt(i);
        }
    }

    /// <summary>A row that is gone, in its place among those that are left.</summary>
    public void Add(RemovedRow row)
    {
        foreach (var walk in open.Where(walk => walk.Epoch.FirstSeq <= row.ChainSeq && row.ChainSeq <= walk.Epoch.LastSeq))
        {
            walk.Add(row.ChainSeq, row.ContentSha256, row.ChainHmac, isRemoved: true);
        }
    }

    /// <summary>The chain ended; a seal that covers more proves that rows are gone, whatever the head says.</summary>
    public void Leave(long endedAt)
    {
        // The last rows of an epoch may all be gone.
        foreach (var walk in open) Judge(walk, null);
        open.Clear();
        var head = sweep.Heads.TryGetValue(chain, out var known) ? known.Seq : endedAt;
        foreach (var epoch in vouched)
        {
            // Up to the head the check of the tail tells of it.
            if (epoch.LastSeq <= Math.Max(head, endedAt) || sweep.IsDropped(chain, endedAt + 1, epoch.LastSeq)) continue;
            report(new(ChainFault.ChainBreak, chain, endedAt + 1, null, endedAt, epoch.KeyId, $"the tail is missing: a seal covers rows to {epoch.LastSeq}"));
        }
    }

    private bool IsProven(SealedEpoch epoch) => ring is null || vouched.Contains(epoch);

    private void Judge(OpenEpoch walk, IChainRow? row)
    {
        var epoch = walk.Epoch;
        if (!IsProven(epoch)) return;
        if (walk.IsContradicted) Fail(epoch, row, "rows are there that its seal's kept digest counts as removed");
        else if (walk.Digest == epoch.Digest) return;
        else if (walk.IsComplete) Fail(epoch, row, "the rows do not give the sealed digest");
        else walk.TellUnverified(chain, unverified);
    }

    private void Fail(SealedEpoch epoch, IChainRow? row, string detail) =>
        report(new(ChainFault.HmacMismatch, epoch.Chain, epoch.LastSeq, row?.ChainSeq == epoch.LastSeq ? row.RowId : null, epoch.LastSeq - 1, epoch.KeyId, detail));
}
