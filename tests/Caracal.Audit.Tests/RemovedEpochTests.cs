using Caracal.Audit.Retention;
using Caracal.Evidence.Ledger;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.TestKit;
using Dapper;
using static Caracal.Audit.Tests.AuditRotation;

namespace Caracal.Audit.Tests;

/// <summary>
/// A seal outlives the rows that retention removes (operations.md 4.6.3, 7.5). The first key signs ten events of an old month,
/// five of today, a late one of the old month and one of today; then the second takes over and seals all seventeen.
/// </summary>
public sealed class RemovedEpochTests
{
    private const string Old = "2026-07-12";
    private const string Older = "2026-05-12";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_half_removed_epoch_is_proven_when_its_key_is_gone(Engine engine)
    {
        var ring = Ring(A);
        await using var audit = await SealedAsync(ring, engine);
        await CareAsync(audit, ring);

        Assert.Equal([11, 12, 13, 14, 15, 17], (await audit.RowsAsync()).Where(row => row.HmacKeyId == A.KeyId).Select(row => row.ChainSeq));
        Assert.Equal((10, 10), await audit.Owner.ReadAsync(connection => connection.QuerySingleAsync<(long, long)>("SELECT last_seq, row_count FROM audit_epoch_starts")));
        Assert.Equal([16], await audit.Owner.ReadAsync(connection => connection.QueryAsync<long>("SELECT chain_seq FROM audit_removed_rows")));
        AssertProven(await VerifyAsync(audit, Ring(B)));
    }

    [Theory]
    [InlineData(Engine.Sqlite, "UPDATE audit_epoch_starts SET digest = 'aa'")]
    [InlineData(Engine.Postgres, "UPDATE audit_epoch_starts SET digest = 'aa'")]
    [InlineData(Engine.Sqlite, "UPDATE audit_epoch_starts SET last_seq = 9223372036854775807")]
    [InlineData(Engine.Sqlite, "UPDATE audit_epoch_starts SET last_seq = 0")]
    [InlineData(Engine.Sqlite, "UPDATE audit_epoch_starts SET row_count = 9, digest = 'aa'; UPDATE audit_epochs SET row_count = 16")]
    [InlineData(Engine.Sqlite, "UPDATE audit_removed_rows SET content_sha256 = 'aa'")]
    [InlineData(Engine.Sqlite, "UPDATE audit_removed_rows SET chain_hmac = NULL")]
    [InlineData(Engine.Sqlite, "UPDATE audit_events SET chain_hmac = 'aa' WHERE chain_seq = 12")]
    [InlineData(Engine.Sqlite, "UPDATE audit_events SET chain_hmac = 'aa' WHERE chain_seq = 12; UPDATE audit_epochs SET row_count = 3")]
    public async Task A_changed_row_or_digest_is_found_without_the_key(Engine engine, string sql)
    {
        var ring = Ring(A);
        await using var audit = await SealedAsync(ring, engine);
        await CareAsync(audit, ring);

        await audit.TamperAsync(sql);

        Assert.Contains((await VerifyAsync(audit, Ring(B))).Findings, finding => finding is { Fault: ChainFault.HmacMismatch, Chain: "z1" });
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task What_is_missing_of_the_removed_rows_proves_nothing_and_is_told(Engine engine)
    {
        var ring = Ring(A);
        await using var audit = await SealedAsync(ring, engine);
        await CareAsync(audit, ring);
        foreach (var table in (string[])["audit_removed_rows", "audit_epoch_starts"])
        {
            await audit.TamperAsync($"DELETE FROM {table}");

            var report = await VerifyAsync(audit, Ring(B));
            Assert.True(report.IsClean);
            Assert.Equal([new UnknownKeyRows("z1", A.KeyId, 6)], report.UnknownKeys);
        }

        // The key in the archive still proves the rows themselves.
        AssertProven(await VerifyAsync(audit, new HmacKeyRing(Set(B, A))));
    }

    [Fact]
    public async Task A_genuine_digest_of_rows_that_are_there_hides_nothing_of_them()
    {
        var ring = Ring(A);
        await using var audit = await SealedAsync(ring, Engine.Sqlite);
        var digest = new EpochDigest();
        foreach (var row in (await audit.RowsAsync()).Take(12)) digest.Add(row.ChainSeq, row.ContentSha256, row.ChainHmac);
        var genuine = digest.Hex;
        await CareAsync(audit, ring);
        const string Change = "UPDATE audit_events SET chain_hmac = 'aa' WHERE chain_seq = 12";

        await audit.TamperAsync($"INSERT INTO audit_removed_rows (chain, chain_seq, content_sha256, chain_hmac) SELECT zone_id, chain_seq, content_sha256, chain_hmac FROM audit_events WHERE chain_seq = 12; {Change}");
        Assert.Contains((await VerifyAsync(audit, Ring(B))).Findings, finding => finding.Fault == ChainFault.HmacMismatch);

        await audit.TamperAsync($"UPDATE audit_epoch_starts SET last_seq = 12, row_count = 12, digest = '{genuine}'");
        Assert.Contains((await VerifyAsync(audit, Ring(B))).Findings, finding => finding.Fault == ChainFault.HmacMismatch);

        // The rows went too: that is told by what retention told of.
        await audit.TamperAsync("DELETE FROM audit_events WHERE chain_seq IN (11, 12)");
        Assert.Contains((await VerifyAsync(audit, Ring(B))).Findings, finding => finding.Fault == ChainFault.ChainBreak);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task An_epoch_that_is_gone_whole_and_the_record_of_it_outlive_both_keys(Engine engine)
    {
        var ring = Ring(A);
        await using var audit = await CreateAsync(ring, engine);
        await audit.ShipAsync([.. Enumerable.Range(1, 4).Select(i => Vectors.Event($"e{i}"))]);
        await RotateAndSealAsync(audit, ring, "rot_1", A, B);
        await audit.ShipAsync(Today("new"));
        await CareAsync(audit, ring);
        AssertProven(await VerifyAsync(audit, Ring(B)));

        await RotateAndSealAsync(audit, ring, "rot_2", B, C, Today("newer"));
        AssertProven(await VerifyAsync(audit, Ring(C)));

        await audit.TamperAsync("UPDATE audit_epoch_starts SET digest = 'aa'");
        Assert.Contains((await VerifyAsync(audit, Ring(C))).Findings, finding => finding.Detail == "the rows do not give the sealed digest");
        await audit.TamperAsync("DELETE FROM audit_partition_drop_macs");
        Assert.Contains((await VerifyAsync(audit, Ring(C))).Findings, finding => finding.Detail.StartsWith("no loaded key vouches for the removal", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Rows_behind_a_held_month_are_proven_before_and_after_its_release(Engine engine)
    {
        var ring = Ring(A);
        await using var audit = await CreateAsync(ring, engine);
        await audit.ShipAsync([.. Enumerable.Range(1, 4).Select(i => At($"h{i}", Older)), .. Enumerable.Range(1, 6).Select(i => Vectors.Event($"e{i}")), Today("t1"), At("h5", Older), Today("t2")]);
        await RotateAndSealAsync(audit, ring, "rot_1", A, B);
        var holds = new LegalHoldStore(audit.Database);
        var hold = Hold(new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero), audit.Clock.Now);
        await holds.PlaceAsync(hold, default);

        await CareAsync(audit, ring);
        Assert.Equal([1, 2, 3, 4, 11, 12, 13], (await audit.RowsAsync()).Where(row => row.HmacKeyId == A.KeyId).Select(row => row.ChainSeq));
        AssertProven(await VerifyAsync(audit, Ring(B)));

        await holds.ReleaseAsync(hold.Id, audit.Clock.Now, default);
        await CareAsync(audit, ring);
        Assert.Equal([11, 13], (await audit.RowsAsync()).Where(row => row.HmacKeyId == A.KeyId).Select(row => row.ChainSeq));
        Assert.Equal((10, 10), await audit.Owner.ReadAsync(connection => connection.QuerySingleAsync<(long, long)>("SELECT last_seq, row_count FROM audit_epoch_starts")));
        AssertProven(await VerifyAsync(audit, Ring(B)));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_seal_over_what_retention_had_left_is_checked_too(Engine engine)
    {
        var ring = Ring(A);
        await using var audit = await CreateAsync(ring, engine);
        await FillAsync(audit);
        await CareAsync(audit, ring);
        await RotateAndSealAsync(audit, ring, "rot_1", A, B);
        AssertProven(await VerifyAsync(audit, Ring(B)));

        await audit.TamperAsync("UPDATE audit_events SET chain_hmac = 'aa' WHERE chain_seq = 12");
        Assert.Contains((await VerifyAsync(audit, Ring(B))).Findings, finding => finding.Detail == "the rows do not give the sealed digest");
    }

    [Theory]
    [InlineData(Engine.Sqlite, "CREATE TRIGGER crash BEFORE DELETE ON audit_events WHEN OLD.chain_seq = 1500 BEGIN SELECT RAISE(ABORT, 'crash'); END", "DROP TRIGGER crash", 1000)]
    [InlineData(Engine.Postgres, "ALTER FUNCTION audit_partition_drop(text) RENAME TO away", "ALTER FUNCTION away(text) RENAME TO audit_partition_drop", 0)]
    public async Task A_removal_that_is_broken_off_leaves_every_seal_proven_and_is_ended_later(Engine engine, string crash, string mend, int gone)
    {
        var ring = Ring(A);
        await using var audit = await CreateAsync(ring, engine);
        for (var i = 0; i < 5; i++) await audit.ShipAsync([.. Enumerable.Range(i * 500, 500).Select(n => Vectors.Event($"e{n}"))]);
        await audit.ShipAsync(Today("t1"), Vectors.Event("late"), Today("t2"));
        await RotateAndSealAsync(audit, ring, "rot_1", A, B);
        await audit.TamperAsync(crash);

        await Assert.ThrowsAnyAsync<Exception>(() => CareAsync(audit, ring));
        Assert.Equal(2503 - gone, await CountAsync(audit));
        AssertProven(await VerifyAsync(audit, Ring(B)));

        await audit.TamperAsync(mend);
        await CareAsync(audit, ring);
        Assert.Equal(2, await CountAsync(audit));
        AssertProven(await VerifyAsync(audit, Ring(B)));
    }

    [Fact]
    public async Task A_hold_placed_while_a_month_goes_keeps_what_is_left_and_the_seal_holds()
    {
        var ring = Ring(A);
        await using var audit = await CreateAsync(ring, Engine.Sqlite);
        for (var i = 0; i < 3; i++) await audit.ShipAsync([.. Enumerable.Range(i * 500, 500).Select(n => Vectors.Event($"e{n}"))]);
        await RotateAndSealAsync(audit, ring, "rot_1", A, B);
        await audit.TamperAsync(
            """
            CREATE TRIGGER hold AFTER DELETE ON audit_events WHEN OLD.chain_seq = 700 BEGIN
                INSERT INTO audit_legal_holds (id, held_zone_id, held_from, held_until, reason, placed_by, placed_at) VALUES ('h', 'z1', 0, 9000000000000000, 'case 7', 'counsel', 0);
            END
            """);

        await CareAsync(audit, ring);

        Assert.Equal(500, await CountAsync(audit));
        AssertProven(await VerifyAsync(audit, Ring(B)));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Nothing_is_sealed_over_rows_that_went_while_they_were_read(Engine engine)
    {
        var ring = Ring(A);
        await using var audit = await CreateAsync(ring, engine);
        await FillAsync(audit);
        Assert.True(await HoldsAsync(1, 17, 17, 0));
        await CareAsync(audit, ring);

        Assert.False(await HoldsAsync(1, 17, 17, 0));
        Assert.True(await HoldsAsync(11, 17, 6, 1));
        if (engine == Engine.Sqlite) Assert.False(await HoldsAsync(1, 17, 8, 1));

        Task<bool> HoldsAsync(long first, long last, long rows, int told) =>
            audit.Database.WriteAsync(work => LedgerRetention.HoldsStillAsync(work, "z1", new DroppedRange(first, last, rows), told));
    }

    private static void AssertProven(ChainReport report)
    {
        Assert.True(report.IsClean, string.Join("; ", report.Findings));
        Assert.Empty(report.UnknownKeys);
    }

    private static async Task<AuditHarness> CreateAsync(HmacKeyRing ring, Engine engine)
    {
        var audit = await AuditHarness.CreateAsync(engine, settings => settings with { AuditKeys = ring, RetentionDays = 30 });
        await audit.Clock.MeasureAsync(default);
        return audit;
    }

    private static Task FillAsync(AuditHarness audit) =>
        audit.ShipAsync([.. Enumerable.Range(1, 10).Select(i => Vectors.Event($"e{i}")), .. Enumerable.Range(11, 5).Select(i => Today($"e{i}")), Vectors.Event("late"), Today("e17")]);

    private static async Task<AuditHarness> SealedAsync(HmacKeyRing ring, Engine engine)
    {
        var audit = await CreateAsync(ring, engine);
        await FillAsync(audit);
        await RotateAndSealAsync(audit, ring, "rot_1", A, B);
        return audit;
    }

    private static Task CareAsync(AuditHarness audit, HmacKeyRing ring) => new PartitionCare(
        new LedgerPartitions(audit.Database), new LedgerRetention(audit.Database, ring), audit.Settings, new AuditMetrics(new MetricsRegistry()), audit.Clock,
        audit.Logging.CreateLogger("audit")).RunAsync(default);

    private static Task<long> CountAsync(AuditHarness audit) => audit.Owner.ReadAsync(connection => connection.ExecuteScalarAsync<long>(
        "SELECT count(*) FROM audit_events WHERE hmac_key_id = @keyId", new { keyId = A.KeyId }));

    private static LegalHold Hold(DateTimeOffset month, DateTimeOffset now) => new()
    {
        Id = Ids.New(),
        HeldZoneId = "z1",
        HeldFrom = month,
        HeldUntil = month.AddMonths(1),
        Reason = "case 7",
        PlacedBy = "counsel",
        PlacedAt = now,
    };

    private static string At(string id, string day) => Vectors.Event(id).Replace(Old, day, StringComparison.Ordinal);

    private static string Today(string id) => At(id, TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
}
