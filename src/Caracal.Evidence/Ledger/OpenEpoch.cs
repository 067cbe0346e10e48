namespace Caracal.Evidence.Ledger;

// One sealed epoch whose rows are passing by.
internal sealed class OpenEpoch
{
    private readonly EpochDigest digest;
    private readonly long first;
    private readonly Dictionary<string, long> relying = new(StringComparer.Ordinal);
    private long known;
    private long at;
    private bool isWithoutGap = true;

    public OpenEpoch(SealedEpoch epoch)
    {
        Epoch = epoch;
        digest = epoch.Removed is { } removed ? new EpochDigest(removed.Digest) : new EpochDigest();
        at = epoch.Removed?.LastSeq ?? epoch.FirstSeq - 1;
        known = epoch.Removed?.RowCount ?? 0;
        first = at + 1;
        isWithoutGap = known == at - epoch.FirstSeq + 1;

        // The kept digest of other rows is nobody's.
        IsContradicted = epoch.Removed is not null && (at < epoch.FirstSeq || at > epoch.LastSeq);
    }

    public SealedEpoch Epoch { get; }

    public string Digest => digest.Hex;

    /// <summary>What was kept says that a row is gone which is not: it would hide what became of the row.</summary>
    public bool IsContradicted { get; private set; }

    /// <summary>
    /// Whether every row that was sealed has been seen, or what was kept of it. Where the count of a seal is not to be trusted,
    /// rows without a gap are all there are; where nobody counted, a gap may be one of the sealed rows or none.
    /// </summary>
    public bool IsComplete => (isWithoutGap && at == Epoch.LastSeq) || known == Epoch.RowCount;

    public void Add(long seq, string contentSha256, string? chainHmac, bool isRemoved)
    {
        if (seq < first || (isRemoved && seq <= at))
        {
            IsContradicted |= !isRemoved;
            return;
        }

        isWithoutGap &= seq == at + 1;
        at = seq;
        known++;
        digest.Add(seq, contentSha256, chainHmac);
    }

    public void Rely(string keyId) => relying[keyId] = relying.GetValueOrDefault(keyId) + 1;

    public void TellUnverified(string chain, Action<string, string, long> unverified)
    {
        foreach (var (keyId, count) in relying) unverified(chain, keyId, count);
    }
}
