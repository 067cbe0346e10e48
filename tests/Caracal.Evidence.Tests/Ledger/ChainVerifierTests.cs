using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Tests.Ledger;

public class ChainVerifierTests
{
    private static readonly HmacKeyRing Ring = TestKeys.Ring(TestKeys.K1);

    [Fact]
    public async Task A_clean_chain_is_clean()
    {
        var rows = Chain("z1", 5).Concat(Chain("z2", 3)).ToList();
        var report = await ChainVerifier.VerifyAsync(Stream(rows), Ring, Heads(rows), CancellationToken.None);
        Assert.True(report.IsClean);
        Assert.Equal(8, report.Checked);
        Assert.Empty(report.Findings);
        Assert.Empty(report.UnknownKeys);
    }

    [Fact]
    public void A_changed_field_is_a_content_mismatch()
    {
        var rows = Chain("z1", 3);
        rows[1] = rows[1] with { Entry = rows[1].Entry with { Decision = "deny" } };
        var finding = Assert.Single(ChainVerifier.Verify(rows, Ring).Findings);
        Assert.Equal(("content_mismatch", "z1", 2L, rows[1].Entry.Id), (finding.Word, finding.Chain, finding.ChainSeq, finding.RowId));
    }

    [Fact]
    public void A_rewritten_row_with_a_fresh_hash_breaks_the_chain()
    {
        var rows = Chain("z1", 3);
        var changed = rows[1].Entry with { Decision = "deny" };
        rows[1] = rows[1] with { Entry = changed, ContentSha256 = LedgerHash.Content(changed) };
        Assert.Equal(["hmac_mismatch", "chain_break"], Words(rows, Ring));
    }

    [Fact]
    public void A_changed_link_is_a_chain_break_and_spoils_the_mac()
    {
        var rows = Chain("z1", 3);
        rows[2] = rows[2] with { PrevContentSha256 = rows[0].ContentSha256 };
        Assert.Equal(["chain_break", "hmac_mismatch"], Words(rows, Ring));
    }

    [Fact]
    public void A_changed_mac_is_an_hmac_mismatch()
    {
        var rows = Chain("z1", 3);
        rows[2] = rows[2] with { ChainHmac = rows[1].ChainHmac };
        Assert.Equal(["hmac_mismatch"], Words(rows, Ring));
        rows[2] = rows[2] with { ChainHmac = null };
        Assert.Equal(["hmac_mismatch"], Words(rows, Ring));
    }

    [Fact]
    public void A_missing_row_is_a_chain_break_unless_its_partition_was_dropped()
    {
        var rows = Chain("z1", 5);
        rows.RemoveAt(2);
        var finding = Assert.Single(ChainVerifier.Verify(rows, Ring).Findings);
        Assert.Equal(("chain_break", 4L, 2L), (finding.Word, finding.ChainSeq, finding.PrevSeq));
        Assert.True(ChainVerifier.Verify(rows, Ring, new ChainSweep { IsDropped = (chain, first, last) => (chain, first, last) == ("z1", 3, 3) }).IsClean);
    }

    [Fact]
    public void A_chain_that_lost_its_first_rows_is_broken()
    {
        var rows = Chain("z1", 5);
        Assert.Equal(["chain_break"], Words(rows[2..], Ring));
        var sweep = new ChainSweep { Predecessors = new Dictionary<string, ChainHead> { ["z1"] = rows[1].Head } };
        Assert.True(ChainVerifier.Verify(rows[2..], Ring, sweep).IsClean);
        sweep = new ChainSweep { Predecessors = new Dictionary<string, ChainHead> { ["z1"] = rows[0].Head with { Seq = 2 } } };
        Assert.Equal(["chain_break"], Words(rows[2..], Ring, sweep));
    }

    [Fact]
    public void A_missing_tail_and_an_emptied_chain_are_breaks()
    {
        var rows = Chain("z1", 5);
        var all = rows.Concat(Chain("z2", 2)).ToList();
        var report = ChainVerifier.Verify(rows[..4], Ring, Heads(all));
        Assert.Equal([("z1", 5L), ("z2", 1L)], report.Findings.Select(finding => (finding.Chain, finding.ChainSeq)));
        Assert.All(report.Findings, finding => Assert.Equal("chain_break", finding.Word));
        Assert.Null(report.Findings[0].RowId);
    }

    [Fact]
    public void Rows_beyond_a_head_read_earlier_are_fine_but_a_rewritten_head_is_not()
    {
        var rows = Chain("z1", 5);
        Assert.True(ChainVerifier.Verify(rows, Ring, Heads(rows[..3])).IsClean);
        var forged = Chain("z1", 5, key: TestKeys.K1, salt: "forged");
        Assert.Equal(["chain_break"], Words(forged, Ring, Heads(rows[..5])));
    }

    [Fact]
    public void A_doubled_sequence_number_is_a_break()
    {
        var rows = Chain("z1", 3);
        rows.Insert(2, rows[1]);
        Assert.Contains("chain_break", Words(rows, Ring));
    }

    [Fact]
    public void Rows_of_every_loaded_key_verify_and_legacy_rows_try_them_all()
    {
        var rows = Chain("z1", 4, seq => seq < 3 ? TestKeys.T : TestKeys.K1);
        Assert.True(ChainVerifier.Verify(rows, TestKeys.Ring(TestKeys.K1, archive: [TestKeys.T])).IsClean);
        rows[0] = rows[0] with { HmacKeyId = null };
        Assert.True(ChainVerifier.Verify(rows, TestKeys.Ring(TestKeys.K1, archive: [TestKeys.T])).IsClean);
        rows[3] = rows[3] with { HmacKeyId = TestKeys.T.KeyId };
        Assert.Equal(["hmac_mismatch"], Words(rows, TestKeys.Ring(TestKeys.K1, archive: [TestKeys.T])));
    }

    [Fact]
    public void A_key_nobody_holds_is_unknown_and_not_tampering()
    {
        var report = ChainVerifier.Verify(Chain("z1", 4, seq => seq < 3 ? TestKeys.T : TestKeys.K1), Ring);
        Assert.True(report.IsClean);
        Assert.Equal([new UnknownKeyRows("z1", TestKeys.T.KeyId, 2)], report.UnknownKeys);
    }

    [Fact]
    public void A_seal_proves_rows_whose_key_is_gone()
    {
        var rows = Chain("z1", 5, seq => seq <= 3 ? TestKeys.T : TestKeys.K1);
        var sweep = new ChainSweep { Epochs = [Seal(rows[..3])] };
        var report = ChainVerifier.Verify(rows, Ring, sweep);
        Assert.True(report.IsClean);
        Assert.Empty(report.UnknownKeys);

        // Rewritten together with all its links: only the seal still knows.
        var forged = Chain("z1", 5, seq => seq <= 3 ? TestKeys.T : TestKeys.K1, "forged");
        Assert.Equal(["hmac_mismatch"], Words(forged, Ring, sweep));
    }

    [Fact]
    public void A_seal_nobody_vouches_for_proves_nothing()
    {
        var rows = Chain("z1", 3, _ => TestKeys.T);
        var forged = Seal(rows) with { Macs = [new EpochMac(TestKeys.K1.KeyId, new string('0', 64))] };
        Assert.Equal(["hmac_mismatch"], Words(rows, Ring, new ChainSweep { Epochs = [forged] }));
        var foreign = forged with { Macs = [new EpochMac("ffffffffffffffff", new string('0', 64))] };
        Assert.Equal(3, Assert.Single(ChainVerifier.Verify(rows, Ring, new ChainSweep { Epochs = [foreign] }).UnknownKeys).Count);
    }

    [Fact]
    public void A_row_of_an_old_key_after_its_seal_is_forged()
    {
        var rows = Chain("z1", 4, seq => seq <= 2 || seq == 4 ? TestKeys.T : TestKeys.K1);
        var ring = TestKeys.Ring(TestKeys.K1, previous: [TestKeys.T]);
        Assert.Equal(["hmac_mismatch"], Words(rows, ring, new ChainSweep { Epochs = [Seal(rows[..2])] }));
    }

    [Fact]
    public void A_row_without_a_key_id_is_forged_behind_rows_that_name_theirs_or_are_sealed()
    {
        var ring = TestKeys.Ring(TestKeys.K1, archive: [TestKeys.T]);
        var rows = Chain("z1", 4, seq => seq == 3 ? TestKeys.K1 : TestKeys.T);
        rows[3] = rows[3] with { HmacKeyId = null };
        Assert.Equal(["hmac_mismatch"], Words(rows, ring));

        // A window that starts behind a keyed row knows of it; one behind a legacy row does not have to.
        var window = new ChainSweep { Predecessors = new Dictionary<string, ChainHead> { ["z1"] = rows[2].Head } };
        Assert.Equal(["hmac_mismatch"], Words(rows[3..], ring, window));
        Assert.Empty(Words(rows[3..], ring, window with { LegacyStarts = new HashSet<string> { "z1" } }));

        var legacy = Chain("z1", 3, _ => TestKeys.K1).Select(row => row with { HmacKeyId = null }).ToList();
        var seal = Seal([.. Chain("z1", 2, _ => TestKeys.K1)]);
        Assert.Equal(["hmac_mismatch"], Words(legacy, ring, new ChainSweep { Epochs = [seal] }));
    }

    [Fact]
    public void A_row_without_a_key_id_proves_nothing_under_a_compromised_key()
    {
        var rows = Chain("z1", 2, _ => TestKeys.T);
        var seal = Seal(rows);
        rows = [.. rows.Select(row => row with { HmacKeyId = null })];
        var ring = TestKeys.Ring(TestKeys.K1, archive: [TestKeys.T]);
        Assert.Empty(Words(rows, ring));
        var sweep = new ChainSweep { CompromisedKeys = new HashSet<string> { TestKeys.T.KeyId } };
        Assert.Equal(["hmac_mismatch", "hmac_mismatch"], Words(rows, ring, sweep));
        Assert.Empty(Words(rows, ring, sweep with { Epochs = [seal] }));
    }

    [Fact]
    public void An_end_that_nobody_vouches_for_is_told_and_does_not_reopen_a_sealed_key()
    {
        var rows = Chain("z1", 4, seq => seq is <= 2 or 4 ? TestKeys.T : TestKeys.K1);
        var ring = TestKeys.Ring(TestKeys.K1, previous: [TestKeys.T]);
        var seal = Seal(rows[..2]);
        var forged = new SealedEpoch { Chain = "z1", FirstSeq = 3, LastSeq = 1_000_000_000_000_000, KeyId = TestKeys.T.KeyId, Digest = seal.Digest };
        var report = ChainVerifier.Verify(rows, ring, new ChainSweep { Epochs = [seal, forged] });
        Assert.Equal([(forged.LastSeq, "no loaded key vouches for the epoch seal"), (4L, "the row uses a key whose epoch was sealed before it")],
            report.Findings.Select(finding => (finding.ChainSeq, finding.Detail)));
    }

    [Fact]
    public void A_seal_beyond_the_end_of_its_chain_shows_that_rows_are_gone()
    {
        var rows = Chain("z1", 5);
        var sweep = Heads(rows[..3]) with { Epochs = [Seal(rows)] };
        var finding = Assert.Single(ChainVerifier.Verify(rows[..3], Ring, sweep).Findings);
        Assert.Equal(("chain_break", 4L), (finding.Word, finding.ChainSeq));
        Assert.True(ChainVerifier.Verify(rows[..3], Ring, sweep with { IsDropped = (_, first, last) => (first, last) == (4, 5) }).IsClean);
        Assert.True(ChainVerifier.Verify(rows, Ring, sweep).IsClean);
    }

    [Fact]
    public void A_compromised_key_proves_nothing_outside_its_seal()
    {
        var rows = Chain("z1", 2, _ => TestKeys.T);
        var ring = TestKeys.Ring(TestKeys.K1, previous: [TestKeys.T]);
        var sweep = new ChainSweep { CompromisedKeys = new HashSet<string> { TestKeys.T.KeyId } };
        Assert.Single(ChainVerifier.Verify(rows, ring, sweep).UnknownKeys);
        Assert.Empty(ChainVerifier.Verify(rows, ring, sweep with { Epochs = [Seal(rows)] }).UnknownKeys);
    }

    [Fact]
    public void Findings_are_counted_beyond_what_is_kept()
    {
        var rows = Chain("z1", 10).Select(row => row with { ChainHmac = "00" }).ToList();
        var report = ChainVerifier.Verify(rows, Ring, new ChainSweep { MaxFindings = 3 });
        Assert.Equal(10, report.HmacFailures);
        Assert.Equal(3, report.Findings.Count);
    }

    private static List<LedgerRow> Chain(string zone, int count, Func<long, HmacKey>? keyOf = null, string salt = "")
    {
        var rows = new List<LedgerRow>();
        var head = ChainHead.Empty;
        for (var i = 1; i <= count; i++)
        {
            var entry = new LedgerEntry { Id = $"{zone}-{i}{salt}", ZoneId = zone, Decision = "allow", OccurredAt = DateTimeOffset.UnixEpoch.AddSeconds(i) };
            rows.Add(LedgerHash.Link(entry, head, keyOf?.Invoke(i) ?? TestKeys.K1, default));
            head = rows[^1].Head;
        }

        return rows;
    }

    private static List<LedgerRow> Chain(string zone, int count, HmacKey key, string salt) => Chain(zone, count, _ => key, salt);

    private static SealedEpoch Seal(List<LedgerRow> rows)
    {
        var digest = new EpochDigest();
        foreach (var row in rows) digest.Add(row.ChainSeq, row.ContentSha256, row.ChainHmac);
        var epoch = new SealedEpoch { Chain = rows[0].Entry.ZoneId, FirstSeq = rows[0].ChainSeq, LastSeq = rows[^1].ChainSeq, KeyId = rows[^1].HmacKeyId!, Digest = digest.Hex };
        return epoch with { Macs = [new EpochMac(TestKeys.K1.KeyId, EpochSeal.Mac(TestKeys.K1, epoch))] };
    }

    private static ChainSweep Heads(IEnumerable<LedgerRow> rows) => new()
    {
        Heads = rows.GroupBy(row => row.Entry.ZoneId).ToDictionary(chain => chain.Key, chain => chain.Last().Head),
    };

    private static IEnumerable<string> Words(IEnumerable<LedgerRow> rows, HmacKeyRing ring, ChainSweep? sweep = null) =>
        ChainVerifier.Verify(rows, ring, sweep).Findings.Select(finding => finding.Word);

    private static async IAsyncEnumerable<LedgerRow> Stream(IEnumerable<LedgerRow> rows)
    {
        foreach (var row in rows)
        {
            await Task.Yield();
            yield return row;
        }
    }
}
