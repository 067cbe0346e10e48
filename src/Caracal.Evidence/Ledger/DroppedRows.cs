using Caracal.Keys.Rings;

namespace Caracal.Evidence.Ledger;

/// <summary>Rows that retention removed together: those of one month, which late events may have scattered over a longer piece of the chain.</summary>
/// <param name="First">Lowest sequence number.</param>
/// <param name="Last">Highest.</param>
/// <param name="Count">How many.</param>
public sealed record DroppedRange(long First, long Last, long Count);

/// <summary>What retention has removed of one chain (audit.md 7).</summary>
/// <param name="Ranges">By their first row.</param>
public sealed record DroppedRows(IReadOnlyList<DroppedRange> Ranges)
{
    /// <summary>What of the records a loaded key vouches for; the others explain nothing.</summary>
    public static DroppedRows Vouched(IEnumerable<DroppedMonth> told, HmacKeyRing? ring) =>
        new([.. told.Where(month => month.IsVouched(ring)).Select(month => month.Range)]);

    /// <summary>Rows that are missing for this reason: more missing rows have another.</summary>
    public long Count => Ranges.Sum(range => range.Count);

    /// <summary>Whether every row of a gap lies where rows were removed.</summary>
    public bool Explain(long first, long last)
    {
        foreach (var range in Ranges)
        {
            if (range.First <= first && first <= range.Last) first = range.Last + 1;
            if (first > last) return true;
        }

        return false;
    }
}
