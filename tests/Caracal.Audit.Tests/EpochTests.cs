using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.AdminAudit;
using Caracal.Storage.Ledger;
using Caracal.Storage.Rotations;
using Caracal.TestKit;
using static Caracal.Audit.Tests.AuditRotation;

namespace Caracal.Audit.Tests;

/// <summary>The proof of old rows outlives their key (operations.md 3.6, 4.6.3).</summary>
public sealed class EpochTests
{
    [Theory]
    [Trait("requirement", "R23")]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Old_rows_of_every_chain_are_proven_when_the_old_key_is_gone(Engine engine)
    {
        var ring = Ring(A);
        await using var audit = await RotatedAsync(ring, engine);

        var seals = await SealsAsync(audit, "rot_1");
        Assert.Equal((4, 0), (seals!.Chains, seals.Problems));
        var told = (await audit.RowsAsync("z1")).Where(row => row.Entry.EventType == "audit_key_rotated").ToList();
        Assert.Equal((2, B.KeyId), (told.Count, told[0].HmacKeyId));
        Assert.Contains("\"chain\": \"z1\"", told[0].Entry.MetadataJson, StringComparison.Ordinal);
        Assert.Contains("\"last_seq\": 5", told[0].Entry.MetadataJson, StringComparison.Ordinal);

        var report = await VerifyAsync(audit, Ring(B));
        Assert.True(report.IsClean);
        Assert.Empty(report.UnknownKeys);
    }

    [Theory]
    [InlineData("UPDATE audit_events SET chain_hmac = 'aa' WHERE zone_id = 'z1' AND chain_seq = 2")]
    [InlineData("UPDATE audit_epochs SET digest = 'aa' WHERE chain = 'z1'")]
    [InlineData("UPDATE audit_epoch_macs SET mac = 'aa'")]
    [InlineData("INSERT INTO audit_epochs (id, chain, first_seq, last_seq, key_id, digest, sealed_at, rotation_id, problems) SELECT 'forged', chain, last_seq + 1, 1000000000000000, key_id, digest, sealed_at, 'rot_forged', 0 FROM audit_epochs WHERE chain = 'z1'")]
    [InlineData("UPDATE admin_audit_events SET chain_hmac = 'aa' WHERE zone_id IS NULL AND chain_seq = 1")]
    public async Task A_change_of_old_rows_or_of_their_seal_is_found_without_the_old_key(string sql)
    {
        await using var audit = await RotatedAsync(Ring(A));

        await audit.TamperAsync(sql);

        Assert.Contains((await VerifyAsync(audit, Ring(B))).Findings, finding => finding.Fault == ChainFault.HmacMismatch);
    }

    [Fact]
    public async Task A_row_of_the_old_key_behind_its_seal_is_tampering_unless_the_rotation_went_back()
    {
        var ring = Ring(A);
        await using var audit = await RotatedAsync(ring);
        ring.Replace(Set(A, B));
        await audit.ShipAsync(Vectors.Event("back"));

        var finding = Assert.Single((await VerifyAsync(audit, ring)).Findings);
        Assert.Equal((ChainFault.HmacMismatch, A.KeyId), (finding.Fault, finding.HmacKeyId));

        await audit.TamperAsync("UPDATE key_rotations SET state = 'rolled_back'");
        Assert.True((await VerifyAsync(audit, ring)).IsClean);
    }

    [Fact]
    public async Task Each_later_rotation_vouches_for_the_seals_before_it()
    {
        var ring = Ring(A);
        await using var audit = await RotatedAsync(ring);

        await RotateAndSealAsync(audit, ring, "rot_2", B, C, Vectors.Event("later"));

        Assert.Equal(0, (await SealsAsync(audit, "rot_2"))!.Problems);
        var report = await VerifyAsync(audit, Ring(C));
        Assert.True(report.IsClean);
        Assert.Empty(report.UnknownKeys);
    }

    [Fact]
    public async Task What_was_changed_before_the_seal_is_told_and_an_unproven_seal_is_not_vouched_for()
    {
        var ring = Ring(A);
        await using var audit = await FilledAsync(ring, Engine.Sqlite);
        await audit.TamperAsync("UPDATE audit_events SET decision = 'deny' WHERE zone_id = 'z1' AND chain_seq = 2");
        await RotateAndSealAsync(audit, ring, "rot_1", A, B);
        Assert.Equal(1, (await SealsAsync(audit, "rot_1"))!.Problems);
        Assert.Contains("epoch_problem", audit.Log, StringComparison.Ordinal);
        Assert.Contains(await new SweepStore(audit.Database).AlertsAsync("z1", 10, default), alert => alert.Kind == "content_mismatch");

        await audit.TamperAsync("UPDATE audit_epoch_macs SET mac = 'aa' WHERE epoch_id IN (SELECT id FROM audit_epochs WHERE chain = 'z2')");
        await RotateAndSealAsync(audit, ring, "rot_2", B, C);

        Assert.Equal(1, (await SealsAsync(audit, "rot_2"))!.Problems);
        Assert.Contains((await VerifyAsync(audit, Ring(C))).UnknownKeys, unknown => unknown.Chain == "z2");
    }

    [Fact]
    public async Task Nothing_is_sealed_before_the_rotation_is_rolled_and_this_process_has_followed()
    {
        var ring = Ring(A);
        await using var audit = await FilledAsync(ring, Engine.Sqlite);
        await RotationAsync(audit, "rot_1", A, B, "deployed");
        ring.Replace(new HmacKeySet(KeyClass.AuditHmac, A, B));
        await Sealer(audit, ring).RunAsync(default);
        await audit.TamperAsync("UPDATE key_rotations SET state = 'rolled'");
        await Sealer(audit, ring).RunAsync(default);
        Assert.Empty(await new EpochStore(audit.Database).ListAsync(default));

        ring.Replace(Set(B, A));
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => Sealer(audit, ring).RunAsync(default))));
        Assert.Equal(4, (await new EpochStore(audit.Database).ListAsync(default)).Count);
        Assert.Single(await audit.RowsAsync("z2"), row => row.Entry.EventType == "audit_key_rotated");
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Seals_while_events_come_in_and_neither_waits_for_the_other(Engine engine)
    {
        var ring = Ring(A);
        await using var audit = await FilledAsync(ring, engine);
        ring.Replace(Set(B, A));
        await RotationAsync(audit, "rot_1", A, B);
        var shipping = Enumerable.Range(0, 4).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++) await audit.ShipAsync(Vectors.Event($"n{caller}-{i}"));
        })).ToList();

        while (await SealsAsync(audit, "rot_1") is null) await Sealer(audit, ring).RunAsync(default).WaitAsync(TimeSpan.FromSeconds(30));
        await Task.WhenAll(shipping).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(0, (await SealsAsync(audit, "rot_1"))!.Problems);
        Assert.True((await VerifyAsync(audit, Ring(B))).IsClean);
    }

    [Fact]
    public async Task Rows_of_a_compromised_key_are_proven_by_their_seal_alone()
    {
        var ring = Ring(A);
        await using var audit = await RotatedAsync(ring);
        await audit.TamperAsync($"INSERT INTO key_registry (class, scope, sid, state, first_seen_at) VALUES ('audit-hmac', '', '{A.SecretId}', 'compromised', 1)");

        Assert.Empty((await VerifyAsync(audit, ring)).UnknownKeys);
        await audit.TamperAsync("DELETE FROM audit_epochs WHERE chain = 'z2'");
        Assert.Equal("z2", Assert.Single((await VerifyAsync(audit, ring)).UnknownKeys).Chain);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Rows_since_others_may_have_had_the_key_are_marked_and_stay_clean(Engine engine)
    {
        var ring = Ring(A);
        await using var audit = await RotatedAsync(ring, engine);
        var start = audit.Clock.Now.AddHours(-1);
        await audit.TamperAsync(At("UPDATE audit_events SET ingested_at = {0} WHERE zone_id = 'z1' AND chain_seq <= 2", start.AddHours(-2)));

        Assert.Null(await DistrustAsync("another", start));
        Assert.Empty((await DistrustAsync(A.KeyId, audit.Clock.Now.AddHours(1)))!);
        Assert.Empty((await VerifyAsync(audit, ring)).Untrusted);

        // From the third row of z1 on, the row of z2 that the old key signed; the admin chains' rows are older.
        var marked = (await DistrustAsync(A.SecretId, start))!;
        Assert.Equal([("z1", 3L, 5L), ("z2", 1L, 1L)], marked.Select(rows => (rows.Chain, rows.FirstSeq, rows.LastSeq)));
        var report = await VerifyAsync(audit, ring);
        Assert.True(report.IsClean);
        Assert.Equal(marked, report.Untrusted);
        Assert.All(report.Untrusted, rows => Assert.Equal((A.KeyId, start.ToUnixTimeMilliseconds()), (rows.KeyId, rows.UntrustedAfter.ToUnixTimeMilliseconds())));

        // It was earlier than thought. A mark is never taken back.
        await DistrustAsync(A.KeyId, DateTimeOffset.UnixEpoch);
        await DistrustAsync(A.KeyId, start);
        Assert.Equal(["admin-audit::global", "admin-audit:z1", "z1", "z2"], (await VerifyAsync(audit, ring)).Untrusted.Select(rows => rows.Chain).Order(StringComparer.Ordinal));
        Assert.All((await VerifyAsync(audit, ring)).Untrusted, rows => Assert.Equal(1, rows.FirstSeq));

        Task<IReadOnlyList<UntrustedRows>?> DistrustAsync(string key, DateTimeOffset after) =>
            audit.Owner.WriteAsync(work => EpochDistrust.MarkAsync(work, key, after, "ops@example.com", "a copy of the disk was sold", audit.Clock.Now));

        string At(string sql, DateTimeOffset time) => string.Format(
            System.Globalization.CultureInfo.InvariantCulture, sql, engine == Engine.Postgres ? $"'{time:O}'" : Instants.ToMicroseconds(time));
    }

    // Two zones and both kinds of admin chain, all under the first key.
    private static async Task<AuditHarness> FilledAsync(HmacKeyRing ring, Engine engine)
    {
        var audit = await AuditHarness.CreateAsync(engine, settings => settings with { AuditKeys = ring });
        await audit.ShipAsync([.. Enumerable.Range(1, 5).Select(i => Vectors.Event($"e{i}"))]);
        await audit.ShipAsync(Vectors.Event("other", "z2"));
        foreach (var zone in (string?[])[null, "z1"])
        {
            await audit.Owner.WriteAsync(work => AdminAuditLedger.AppendAsync(
                work,
                new AdminAuditEntry { RequestId = "r1", Action = "GET /", Method = "GET", Path = "/", StatusCode = 200, ZoneId = zone, OccurredAt = DateTimeOffset.UnixEpoch },
                ring.Current));
        }

        return audit;
    }

    // The second key has taken over, and both interleave for a while.
    private static async Task<AuditHarness> RotatedAsync(HmacKeyRing ring, Engine engine = Engine.Sqlite)
    {
        var audit = await FilledAsync(ring, engine);
        await RotateAndSealAsync(audit, ring, "rot_1", A, B, Vectors.Event("new", "z2"));
        return audit;
    }

    private static Task<EpochSeals?> SealsAsync(AuditHarness audit, string id) => audit.Owner.ReadAsync(connection => EpochSeals.FindAsync(connection, id));
}
