using Caracal.Keys.Rings;

namespace Caracal.Evidence.Ledger;

// The sealed epochs of the chain being walked: recomputes each seal's digest while its rows pass by.
internal sealed class EpochWalk(ChainSweep sweep, HmacKeyRing? ring, Action<ChainFinding> report)
{
    private readonly List<Open> open = [];
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
        open.AddRange(epochs.Where(epoch => epoch.FirstSeq > startedAfter).Select(epoch => new Open(epoch)));
    }

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

    public void Add(IChainRow row)
    {
        for (var i = open.Count - 1; i >= 0; i--)
        {
            var walk = open[i];
            if (row.ChainSeq < walk.Epoch.FirstSeq) continue;
            if (row.ChainSeq <= walk.Epoch.LastSeq)
            {
                walk.Complete &= row.ChainSeq == walk.Epoch.FirstSeq + walk.Rows;
                walk.Rows++;
                walk.Digest.Add(row.ChainSeq, row.ContentSha256, row.ChainHmac);
            }

            if (row.ChainSeq < walk.Epoch.LastSeq) continue;
            Judge(walk, row);
            open.RemoveAt(i);
        }
    }

    /// <summary>The chain ended; a seal that covers more proves that rows are gone, whatever the head says.</summary>
    public void Leave(long endedAt)
    {
        open.Clear();
        var head = sweep.Heads.TryGetValue(chain, out var known) ? known.Seq : endedAt;
        foreach (var epoch in vouched)
        {
            // Up to the head the check of the tail tells of it.
            if (epoch.LastSeq <= Math.Max(head, endedAt) || sweep.IsDropped(chain, endedAt + 1, epoch.LastSeq)) continue;
            report(new(ChainFault.ChainBreak, chain, endedAt + 1, null, endedAt, epoch.KeyId, $"the tail is missing: a seal covers rows to {epoch.LastSeq}"));
        }
    }

    private void Judge(Open walk, IChainRow row)
    {
        var epoch = walk.Epoch;
        // Rows gone with a dropped partition leave the digest uncheckable here; a gap that was no drop is reported already.
        if ((ring is null || vouched.Contains(epoch)) && walk.Complete && walk.Rows == epoch.LastSeq - epoch.FirstSeq + 1 && walk.Digest.Hex != epoch.Digest) Fail(epoch, row, "the rows do not give the sealed digest");
    }

    private void Fail(SealedEpoch epoch, IChainRow? row, string detail) =>
        report(new(ChainFault.HmacMismatch, epoch.Chain, epoch.LastSeq, row?.ChainSeq == epoch.LastSeq ? row.RowId : null, epoch.LastSeq - 1, epoch.KeyId, detail));

    private sealed class Open(SealedEpoch epoch)
    {
        public SealedEpoch Epoch { get; } = epoch;

        public EpochDigest Digest { get; } = new();

        public long Rows { get; set; }

        public bool Complete { get; set; } = true;
    }
}
