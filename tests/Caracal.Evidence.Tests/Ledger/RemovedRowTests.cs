using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Tests.Ledger;

/// <summary>What a verification does with what retention left of sealed rows: eight of a key that is gone, then two of another.</summary>
public class RemovedRowTests
{
    private static readonly HmacKeyRing Ring = TestKeys.Ring(TestKeys.K1);
    private static readonly List<LedgerRow> Rows = Chain();

    [Theory]
    [InlineData(3, 6)] // The first three and one behind them.
    [InlineData(3, 8)] // The last of the epoch too.
    [InlineData(8, 0)] // All of it.
    [InlineData(1, 2)] // What lies behind is what comes next.
    public void Proves_rows_beside_what_is_left_of_the_others(int start, long behind)
    {
        var report = Verify([.. Rows.Where(row => row.ChainSeq > start && row.ChainSeq != behind)], Seal(start), behind == 0 ? [] : [Left(behind)]);
        Assert.Equal((0, 0), (report.HmacFailures, report.UnknownKeys.Count));
    }

    [Fact]
    public void Proves_an_epoch_of_a_chain_that_is_empty()
    {
        var heads = new Dictionary<string, ChainHead> { ["z1"] = Rows[7].Head };
        Assert.Equal(0, ChainVerifier.Verify<LedgerRow>([], Ring, Sweep(Seal(8)) with { Heads = heads }).HmacFailures);
        var forged = Seal(8);
        Assert.Equal(1, ChainVerifier.Verify<LedgerRow>([], Ring, Sweep(forged with { Removed = forged.Removed! with { Digest = Seal(7).Removed!.Digest } }) with { Heads = heads }).HmacFailures);
    }

    [Theory]
    [InlineData(4, 0, 0)] // Not those of the digest.
    [InlineData(3, 5, 0)] // A row is gone and nothing is left of it.
    [InlineData(3, 5, 6)] // What is left is another's.
    public void What_is_not_known_proves_nothing_and_is_told(int first, long gone, long left)
    {
        var report = Verify([.. Rows.Where(row => row.ChainSeq > first && row.ChainSeq != gone)], Seal(3), left == 0 ? [] : [Left(left)]);
        Assert.Equal(0, report.HmacFailures);
        Assert.Equal(new UnknownKeyRows("z1", TestKeys.T.KeyId, 4), Assert.Single(report.UnknownKeys));
    }

    [Fact]
    public void A_row_that_is_there_speaks_for_itself()
    {
        var changed = Rows.Select(row => row.ChainSeq == 5 ? row with { ChainHmac = Rows[0].ChainHmac } : row).ToList();

        Assert.Equal(1, Verify([.. changed.Skip(3)], Seal(3), [Left(5)]).HmacFailures);
        Assert.Equal(1, Verify([.. changed.Skip(3)], Seal(6), []).HmacFailures);
        Assert.Equal(1, Verify(changed, Seal(8), []).HmacFailures);

        // Nobody vouches for the count: it hides nothing of rows without a gap.
        Assert.Equal(1, Verify(changed, Seal(0) with { RowCount = 7 }, []).HmacFailures);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(long.MaxValue)]
    public void A_digest_of_rows_outside_the_epoch_is_forged(long last)
    {
        var seal = Seal(3);
        Assert.Equal(1, Verify([.. Rows.Skip(3)], seal with { Removed = seal.Removed! with { LastSeq = last } }, []).HmacFailures);
    }

    [Fact]
    public void Rows_that_were_gone_before_the_seal_are_not_missed_where_they_were_counted()
    {
        var left = Rows.Where(row => row.ChainSeq is not (4 or 6)).ToList();
        var seal = Seal(0, [.. left.Where(row => row.ChainSeq <= 8)]);
        Assert.Empty(Verify(left, seal, []).UnknownKeys);
        left[2] = left[2] with { ChainHmac = Rows[0].ChainHmac };
        Assert.Equal(1, Verify(left, seal, []).HmacFailures);
        Assert.Equal(6, Assert.Single(Verify(left, seal with { RowCount = null }, []).UnknownKeys).Count);
    }

    // In the order in which a walk meets them.
    private static ChainReport Verify(List<LedgerRow> rows, SealedEpoch seal, IReadOnlyList<RemovedRow> left)
    {
        var verifier = new ChainVerifier(Ring, Sweep(seal));
        foreach (var row in rows)
        {
            foreach (var gone in left.Where(gone => gone.ChainSeq == row.ChainSeq - 1)) verifier.AddRemoved(gone);
            verifier.Add(row);
        }

        return verifier.Complete();
    }

    private static ChainSweep Sweep(SealedEpoch seal) => new() { Epochs = [seal], IsDropped = (_, _, _) => true };

    private static RemovedRow Left(long seq) => new("z1", seq, Rows[(int)seq - 1].ContentSha256, Rows[(int)seq - 1].ChainHmac);

    private static SealedEpoch Seal(int removed, List<LedgerRow>? rows = null)
    {
        rows ??= Rows[..8];
        var epoch = new SealedEpoch { Chain = "z1", FirstSeq = 1, LastSeq = 8, KeyId = TestKeys.T.KeyId, Digest = Digest(rows), RowCount = rows.Count };
        return epoch with
        {
            Macs = [new EpochMac(TestKeys.K1.KeyId, EpochSeal.Mac(TestKeys.K1, epoch))],
            Removed = removed == 0 ? null : new RemovedStart(removed, removed, Digest(rows[..removed])),
        };
    }

    private static string Digest(List<LedgerRow> rows)
    {
        var digest = new EpochDigest();
        foreach (var row in rows) digest.Add(row.ChainSeq, row.ContentSha256, row.ChainHmac);
        return digest.Hex;
    }

    private static List<LedgerRow> Chain()
    {
        var rows = new List<LedgerRow>();
        for (var i = 1; i <= 10; i++)
        {
            var entry = new LedgerEntry { Id = $"z1-{i}", ZoneId = "z1", Decision = "allow", OccurredAt = DateTimeOffset.UnixEpoch.AddSeconds(i) };
            rows.Add(LedgerHash.Link(entry, rows.Count == 0 ? ChainHead.Empty : rows[^1].Head, i <= 8 ? TestKeys.T : TestKeys.K1, default));
        }

        return rows;
    }
}
