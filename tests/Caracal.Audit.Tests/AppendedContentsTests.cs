using Caracal.Audit.Checkpoints;
using Caracal.Audit.Ingest;
using Caracal.Audit.Tampering;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Storage.Ledger;
using Caracal.TestKit;

namespace Caracal.Audit.Tests;

/// <summary>Checkpoints are made of what was appended, and of the ledger where this process did not append it.</summary>
public sealed class AppendedContentsTests
{
    [Fact]
    public async Task A_checkpoint_says_what_was_appended_whatever_became_of_the_row()
    {
        await using var audit = await AuditHarness.CreateAsync();
        var appended = new AppendedContents();
        await AppendAsync(audit, appended, 0, 3);
        var honest = RootOf(await audit.RowsAsync());
        await audit.TamperAsync("UPDATE audit_events SET content_sha256 = (SELECT content_sha256 FROM audit_events WHERE chain_seq = 1) WHERE chain_seq = 2");

        var checkpoint = await audit.CheckpointAsync(by: Signing(audit, appended));

        Assert.Equal((3, honest), (checkpoint.TreeSize, checkpoint.RootHash));
        var report = await new LedgerVerification(audit.Database, Vectors.Keys, Vectors.CheckpointSigner.Key).VerifyAllAsync(default);
        Assert.False(report.IsClean);
    }

    [Theory]
    [InlineData(Engine.Sqlite, "DELETE FROM audit_events WHERE chain_seq = 2", false)]
    [InlineData(Engine.Postgres, "DELETE FROM audit_events WHERE chain_seq = 2", false)]
    [InlineData(Engine.Sqlite, "UPDATE audit_events SET content_sha256 = (SELECT content_sha256 FROM audit_events WHERE chain_seq = 1) WHERE chain_seq = 3", true)]
    public async Task Rows_that_went_are_told_and_nothing_is_signed_for_them(Engine engine, string sql, bool isSignedAsItStands)
    {
        await using var audit = await AuditHarness.CreateAsync(engine);
        var appended = new AppendedContents();
        var signing = Signing(audit, appended);
        await AppendAsync(audit, appended, 0, 3);
        await audit.TamperAsync(sql);

        await signing.RunAsync(default);
        Assert.Null(await new CheckpointStore(audit.Database).FindAsync("z1", null, default));
        Assert.Contains("checkpoint_refused", audit.Log, StringComparison.Ordinal);
        Assert.True(appended.Find("z1", 1, 3).IsEmpty);

        // A store that was put back has other rows of these numbers, and goes on.
        await signing.RunAsync(default);
        Assert.Equal(isSignedAsItStands, await new CheckpointStore(audit.Database).FindAsync("z1", null, default) is not null);
    }

    [Fact]
    public void Of_two_ledgers_the_later_one_counts()
    {
        var appended = new AppendedContents();
        appended.Add("z1", Rows(1, 3));
        appended.Add("z1", Rows(1, 2));
        Assert.Equal(2 * MerkleTree.HashSize, appended.Find("z1", 1, 9).Length);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task What_others_appended_in_between_is_read_from_the_ledger(Engine engine)
    {
        await using var audit = await AuditHarness.CreateAsync(engine);
        var appended = new AppendedContents();
        var signing = Signing(audit, appended);
        await audit.ShipAsync(Vectors.Event("other0"));
        await AppendAsync(audit, appended, 0, 3);
        Assert.Equal(4, (await audit.CheckpointAsync(by: signing)).TreeSize);
        await AppendAsync(audit, appended, 3, 2);
        await audit.ShipAsync(Vectors.Event("other1"), Vectors.Event("other2"));
        await AppendAsync(audit, appended, 5, 2);
        await AppendAsync(audit, appended, 6, 2); // one of them again

        var checkpoint = await audit.CheckpointAsync(by: signing);

        Assert.Equal((11, RootOf(await audit.RowsAsync())), (checkpoint.TreeSize, checkpoint.RootHash));
        Assert.True((await new LedgerVerification(audit.Database, Vectors.Keys, Vectors.CheckpointSigner.Key).VerifyAllAsync(default)).IsClean);
        Assert.DoesNotContain("checkpoint_refused", audit.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_kept_of_a_transaction_that_failed()
    {
        await using var audit = await AuditHarness.CreateAsync();
        var appended = new AppendedContents();
        await audit.TamperAsync("CREATE TRIGGER poison BEFORE INSERT ON audit_events WHEN NEW.id = 'e2' BEGIN SELECT RAISE(ABORT, 'no'); END");
        await Assert.ThrowsAnyAsync<Exception>(() => AppendAsync(audit, appended, 0, 3));
        Assert.True(appended.Find("z1", 1, 10).IsEmpty);
    }

    [Fact]
    public void Parts_are_found_by_where_they_begin_and_only_when_the_ledger_is_known_to_hold_them()
    {
        var appended = new AppendedContents();
        appended.Add("z1", Rows(4, 2));
        appended.Add("z1", Rows(1, 3)); // of two that end together, the second may be told first
        appended.Add("z2", Rows(1, 1));
        Assert.True(appended.Find("z1", 1, 2).IsEmpty);
        Assert.Equal(3 * MerkleTree.HashSize, appended.Find("z1", 1, 3).Length);
        appended.Forget("z1", 3);
        Assert.True(appended.Find("z1", 1, 3).IsEmpty);
        Assert.Equal(Convert.FromHexString(Rows(4, 2)[1].ContentSha256), appended.Find("z1", 4, 9)[MerkleTree.HashSize..].ToArray());
        Assert.False(appended.Find("z2", 1, 1).IsEmpty);
    }

    [Fact]
    public void What_nobody_signs_does_not_fill_the_memory()
    {
        var appended = new AppendedContents();
        for (var zone = 0; zone < 100; zone++) appended.Add($"z{zone}", Rows(1, 500));
        var held = Enumerable.Range(0, 100).Count(zone => !appended.Find($"z{zone}", 1, 500).IsEmpty);
        Assert.InRange(held, 1, 80);
        appended.Add("z1", Rows(1, 500));
        Assert.False(appended.Find("z1", 1, 500).IsEmpty);
    }

    private static Checkpointer Signing(AuditHarness audit, AppendedContents appended) => new(
        new CheckpointStore(audit.Database), audit.Settings.Checkpoints with { Events = 1 }, new AuditMetrics(new Hosting.Metrics.MetricsRegistry()), audit.Clock,
        audit.Logging.CreateLogger("audit"), appended);

    private static Task AppendAsync(AuditHarness audit, AppendedContents appended, int first, int count) =>
        new LedgerWriter(audit.Database, new LedgerStore(audit.Database.Dialect), Vectors.Keys, audit.Clock, appended: appended).AppendAsync(
            "z1", [.. Enumerable.Range(first, count).Select(i => Accepted($"e{i}"))], default);

    private static AcceptedEvent Accepted(string id)
    {
        var data = System.Text.Encoding.UTF8.GetBytes(Vectors.Event(id));
        var entry = IngestCheck.ExamineOwn(data, Vectors.Keys.Current).Entry!;
        return new AcceptedEvent(new AuditFrame(AuditFrame.Journal, data, null, null, null), entry, LedgerHash.Content(entry), null);
    }

    private static string RootOf(IReadOnlyList<LedgerRow> rows)
    {
        var frontier = new TreeFrontier();
        foreach (var row in rows) frontier.Add(MerkleTree.LeafHash(row.ContentSha256));
        return Convert.ToBase64String(frontier.Root);
    }

    private static List<LedgerRow> Rows(long first, int count)
    {
        var rows = new List<LedgerRow>();
        var head = new ChainHead(first - 1, new string('0', 64));
        for (var i = 0; i < count; i++)
        {
            var entry = new LedgerEntry { Id = $"e{first + i}", ZoneId = "z1", OccurredAt = DateTimeOffset.UnixEpoch };
            rows.Add(LedgerHash.Link(entry, head, null, DateTimeOffset.UnixEpoch));
            head = rows[^1].Head;
        }

        return rows;
    }
}
