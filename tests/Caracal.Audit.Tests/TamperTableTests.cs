using Caracal.Audit.Tampering;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Audit.Tests;

/// <summary>
/// What somebody with the database superuser's rights, and in the last rows with every key of the service, may do to a
/// ledger of twelve events whose tree was signed at eight and at twelve; and where each shows.
/// </summary>
public sealed class TamperTableTests
{
    private const string Move = "UPDATE audit_events SET chain_seq = ";

    public static TheoryData<string, string, string, long, Engine> Kinds()
    {
        var data = new TheoryData<string, string, string, long, Engine>();
        foreach (var engine in (Engine[])[Engine.Sqlite, Engine.Postgres])
        {
            Add("edit a decision", "UPDATE audit_events SET decision = 'deny' WHERE chain_seq = 5", "content_mismatch", 5);
            Add("edit metadata", "UPDATE audit_events SET metadata_json = '{\"x\": 1}' WHERE chain_seq = 6", "content_mismatch", 6);
            Add("edit a time", $"UPDATE audit_events SET occurred_at = {(engine == Engine.Sqlite ? "occurred_at + 1000000" : "occurred_at + interval '1 s'")} WHERE chain_seq = 7", "content_mismatch", 7);
            Add("edit a content hash", "UPDATE audit_events SET content_sha256 = prev_content_sha256 WHERE chain_seq = 4", "content_mismatch", 4);
            Add("edit a link", "UPDATE audit_events SET prev_content_sha256 = content_sha256 WHERE chain_seq = 5", "chain_break", 5);
            Add("edit a MAC", "UPDATE audit_events SET chain_hmac = content_sha256 WHERE chain_seq = 5", "hmac_mismatch", 5);
            Add("delete the first row", "DELETE FROM audit_events WHERE chain_seq = 1", "chain_break", 2);
            Add("delete a row", "DELETE FROM audit_events WHERE chain_seq = 5", "chain_break", 6);
            Add("delete and renumber", "DELETE FROM audit_events WHERE chain_seq = 12; UPDATE audit_chain_heads SET chain_seq = 11", "checkpoint_mismatch", 9);
            Add("swap two rows", $"{Move} 100 WHERE chain_seq = 5; {Move} 5 WHERE chain_seq = 6; {Move} 6 WHERE chain_seq = 100", "chain_break", 5);
            Add("reorder the end", $"{Move} 100 WHERE chain_seq = 11; {Move} 11 WHERE chain_seq = 12; {Move} 12 WHERE chain_seq = 100", "chain_break", 11);
            Add("insert a row", "INSERT INTO audit_events (id, zone_id, occurred_at, ingested_at, content_sha256, chain_seq) SELECT 'forged', zone_id, occurred_at, ingested_at, content_sha256, 13 FROM audit_events WHERE chain_seq = 12", "content_mismatch", 13);
            Add("duplicate a row under another id", "INSERT INTO audit_events (id, zone_id, occurred_at, ingested_at, content_sha256, prev_content_sha256, chain_hmac, hmac_key_id, chain_seq) SELECT 'twin', zone_id, occurred_at, ingested_at, content_sha256, prev_content_sha256, chain_hmac, hmac_key_id, 13 FROM audit_events WHERE chain_seq = 12", "chain_break", 13);
            Add("move a row to another zone", "UPDATE audit_events SET zone_id = 'z9' WHERE chain_seq = 5", "chain_break", 6);
            Add("truncate the tail", "DELETE FROM audit_events WHERE chain_seq > 9", "chain_break", 10);
            Add("truncate the tail and the head", "DELETE FROM audit_events WHERE chain_seq > 9; UPDATE audit_chain_heads SET chain_seq = 9, content_sha256 = (SELECT content_sha256 FROM audit_events WHERE chain_seq = 9)", "checkpoint_mismatch", 9);
            Add("empty the ledger and its head", "DELETE FROM audit_events; DELETE FROM audit_chain_heads", "checkpoint_mismatch", 1);
            Add("forge a checkpoint", "UPDATE audit_checkpoints SET root_hash = 'AAAA', note = replace(note, substr(note, 14, 8), 'AAAAAAAA') WHERE tree_size = 8", "checkpoint_mismatch", 8);

            void Add(string kind, string sql, string word, long seq) => data.Add(kind, sql, word, seq, engine);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_superusers_change_is_found_and_named(string kind, string sql, string word, long seq, Engine engine)
    {
        await using var audit = await SignedLedgerAsync(engine);
        foreach (var statement in sql.Split("; ")) await audit.TamperAsync(statement);

        var report = await VerifyAsync(audit);

        Assert.True(report.Findings.Any(finding => finding.Word == word && finding.ChainSeq == seq && finding.Chain == "z1"), $"{kind}: {string.Join("; ", report.Findings)}");
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_month_that_is_gone_and_forged_as_removed_by_retention_is_found_where_it_began(Engine engine)
    {
        await using var audit = await SignedLedgerAsync(engine);
        var now = engine == Engine.Sqlite ? "1785000000000000" : "now()";
        await audit.TamperAsync(
            $"INSERT INTO audit_partition_drops (partition_name, zone_id, min_seq, max_seq, row_count, dropped_at, drop_hmac, hmac_key_id) VALUES ('audit_events_y2026m07', 'z1', 1, 6, 6, {now}, '{new string('0', 64)}', '{Vectors.Keys.KeyId}')");
        await audit.TamperAsync("DELETE FROM audit_events WHERE chain_seq <= 6");

        var report = await VerifyAsync(audit);

        Assert.Contains(report.Findings, finding => finding is { Word: "hmac_mismatch", Chain: "z1", ChainSeq: 1 });
        Assert.Contains(report.Findings, finding => finding is { Word: "chain_break", Chain: "z1", ChainSeq: 7 });
    }

    [Theory]
    [InlineData("max_seq = 8, row_count = 8", "chain_seq <= 8")]
    [InlineData("row_count = 10", "chain_seq BETWEEN 7 AND 10")]
    public async Task What_retention_did_remove_cannot_be_made_to_cover_more(string change, string rows)
    {
        await using var audit = await SignedLedgerAsync(Engine.Sqlite);
        var told = new DroppedMonth
        {
            ZoneId = "z1",
            PartitionName = "audit_events_y2026m07",
            MinSeq = 1,
            MaxSeq = 6,
            RowCount = 6,
            DroppedAt = audit.Clock.Now,
        }.Signed(Vectors.Keys.Current);
        await audit.TamperAsync(
            $"INSERT INTO audit_partition_drops (partition_name, zone_id, min_seq, max_seq, row_count, dropped_at, drop_hmac, hmac_key_id) VALUES ('{told.PartitionName}', 'z1', 1, 6, 6, {Instants.ToMicroseconds(told.DroppedAt)}, '{told.DropHmac}', '{told.HmacKeyId}')");
        await audit.TamperAsync("DELETE FROM audit_events WHERE chain_seq <= 6");
        Assert.True((await VerifyAsync(audit)).IsClean);

        await audit.TamperAsync($"UPDATE audit_partition_drops SET {change}");
        await audit.TamperAsync($"DELETE FROM audit_events WHERE {rows}");

        Assert.Contains((await VerifyAsync(audit)).Findings, finding => finding is { Word: "hmac_mismatch", Chain: "z1", ChainSeq: 1 });
    }

    [Fact]
    public async Task Dropping_a_month_shows_where_the_chain_begins()
    {
        await using var audit = await SignedLedgerAsync(Engine.Postgres);
        await audit.TamperAsync("ALTER TABLE audit_events DETACH PARTITION audit_events_default");

        Assert.Contains((await VerifyAsync(audit)).Findings, finding => finding is { Chain: "z1", ChainSeq: 1 });
    }

    [Theory]
    [InlineData(5)] // Within what was signed at eight.
    [InlineData(10)] // Between eight and twelve.
    public async Task A_suffix_rewritten_with_the_audit_key_gives_no_signed_root(long from)
    {
        await using var audit = await SignedLedgerAsync(Engine.Sqlite);
        await RewriteAsync(audit, from);

        Assert.True((await new LedgerVerification(audit.Database, Vectors.Keys).VerifyAllAsync(default)).IsClean);
        var finding = (await VerifyAsync(audit)).Findings[0];
        Assert.Equal(("checkpoint_mismatch", "z1", from < 8 ? 1 : 9), (finding.Word, finding.Chain, finding.ChainSeq));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_holds_every_key_still_cannot_change_a_checkpoint_that_somebody_kept(bool rolledBack)
    {
        await using var audit = await SignedLedgerAsync(Engine.Sqlite);
        var kept = Checkpoint.Open((await new CheckpointStore(audit.Database).FindAsync("z1", 8, default))!.Note, Vectors.CheckpointSigner.Key, "caracal/z1")!;
        if (rolledBack)
        {
            await audit.TamperAsync("DELETE FROM audit_events WHERE chain_seq > 6");
            await audit.TamperAsync("UPDATE audit_chain_heads SET chain_seq = 6, content_sha256 = (SELECT content_sha256 FROM audit_events WHERE chain_seq = 6)");
        }
        else
        {
            await RewriteAsync(audit, 5);
        }

        // The forger signs his own history from the start, with the stolen key.
        await audit.TamperAsync("DELETE FROM audit_checkpoints");
        await audit.TamperAsync("DELETE FROM audit_tree_nodes");
        await audit.CheckpointAsync();

        Assert.True((await VerifyAsync(audit)).IsClean);
        var report = await new LedgerVerification(audit.Database, Vectors.Keys, Vectors.CheckpointSigner.Key, [kept]).VerifyAllAsync(default);
        var finding = Assert.Single(report.Findings);
        Assert.Equal(("checkpoint_mismatch", "z1"), (finding.Word, finding.Chain));
    }

    [Fact]
    public async Task An_honest_ledger_gives_no_finding_however_long_it_is()
    {
        var events = int.Parse(Environment.GetEnvironmentVariable("CARACAL_HONEST_EVENTS") ?? "5000", System.Globalization.CultureInfo.InvariantCulture);
        await using var audit = await AuditHarness.CreateAsync();
        var checkpointer = audit.NewCheckpointer();
        for (var i = 0; i < events; i += 1000)
        {
            await audit.ShipAsync([.. Enumerable.Range(i, 1000).Select(n => Vectors.Event($"e{n}", $"z{n % 3}"))]);
            await checkpointer.RunAsync(default);
        }

        var report = await VerifyAsync(audit);
        Assert.Equal((true, events), (report.IsClean, report.Checked));
    }

    private static Task<ChainReport> VerifyAsync(AuditHarness audit) =>
        new LedgerVerification(audit.Database, Vectors.Keys, Vectors.CheckpointSigner.Key).VerifyAllAsync(default);

    private static async Task<AuditHarness> SignedLedgerAsync(Engine engine)
    {
        var audit = await AuditHarness.CreateAsync(engine);
        var checkpointer = audit.NewCheckpointer(audit.Settings.Checkpoints with { Events = 1 });
        await audit.ShipAsync([.. Enumerable.Range(1, 8).Select(i => Vectors.Event($"e{i}"))]);
        await checkpointer.RunAsync(default);
        await audit.ShipAsync([.. Enumerable.Range(9, 4).Select(i => Vectors.Event($"e{i}"))]);
        await checkpointer.RunAsync(default);
        return audit;
    }

    // Links, MACs and head are all made anew, as a thief of the key would.
    private static async Task RewriteAsync(AuditHarness audit, long from)
    {
        var rows = await audit.RowsAsync();
        var head = rows[(int)from - 2].Head;
        foreach (var row in rows.Skip((int)from - 1))
        {
            var forged = LedgerHash.Link(row.Entry with { Decision = "deny" }, head, Vectors.Keys.Current, row.IngestedAt);
            head = forged.Head;
            await audit.Owner.WriteAsync(work => work.Connection.ExecuteAsync(
                "UPDATE audit_events SET decision = 'deny', content_sha256 = @ContentSha256, prev_content_sha256 = @PrevContentSha256, chain_hmac = @ChainHmac WHERE chain_seq = @ChainSeq",
                new { forged.ContentSha256, forged.PrevContentSha256, forged.ChainHmac, forged.ChainSeq }));
        }

        await audit.Owner.WriteAsync(work => work.Connection.ExecuteAsync(
            "UPDATE audit_chain_heads SET content_sha256 = @ContentSha256", new { head.ContentSha256 }));
    }
}
