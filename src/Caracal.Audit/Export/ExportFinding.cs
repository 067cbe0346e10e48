using Caracal.Audit.Witnesses;

namespace Caracal.Audit.Export;

/// <summary>One thing that is wrong with an export.</summary>
/// <param name="Word">
/// <c>manifest_mismatch</c>, <c>hour_missing</c>, <c>object_missing</c>, <c>object_mismatch</c>, <c>timestamp_mismatch</c>, or a word of
/// <see cref="Evidence.Ledger.ChainFinding.Word"/>.
/// </param>
/// <param name="Hour">The hour's stem, such as <c>2026-07-12T10</c>; null when it concerns a zone as a whole.</param>
/// <param name="Zone">Null when it concerns an hour as a whole.</param>
/// <param name="ChainSeq">0 when it concerns no row.</param>
/// <param name="Detail">One sentence for people.</param>
public sealed record ExportFinding(string Word, string? Hour, string? Zone, long ChainSeq, string Detail);

/// <summary>What a verification of an export came to; findings beyond the first thousand are counted only.</summary>
/// <param name="Hours">Manifests read.</param>
/// <param name="Events">Rows verified.</param>
/// <param name="Faults">Number of findings.</param>
/// <param name="Findings">The first of them.</param>
/// <param name="Ends">Per zone: the last row proven by a signed checkpoint.</param>
/// <param name="Stamps">Per zone: the last row, and the time at which it and all before it existed, as a trusted authority says.</param>
public sealed record ExportReport(
    int Hours, long Events, long Faults, IReadOnlyList<ExportFinding> Findings, IReadOnlyDictionary<string, long> Ends,
    IReadOnlyDictionary<string, StampedRow> Stamps)
{
    public bool IsClean => Faults == 0;
}

/// <summary>How far a verification has come.</summary>
/// <param name="Rows">Rows verified.</param>
/// <param name="Total">Rows that the manifests tell of.</param>
public readonly record struct VerificationProgress(long Rows, long Total);
