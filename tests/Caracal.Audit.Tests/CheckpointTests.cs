using System.Net;
using System.Text.Json;
using Caracal.Audit.Checkpoints;
using Caracal.Audit.Tampering;
using Caracal.Evidence.Checkpoints;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.TestKit;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests;

public sealed class CheckpointTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Every_answer_proves_itself_against_the_public_key_alone(Engine engine)
    {
        await using var audit = await AuditHarness.CreateAsync(engine);
        var checkpointer = audit.NewCheckpointer(audit.Settings.Checkpoints with { Events = 1 });
        await ShipAsync(audit, 0, 300);
        var first = await audit.CheckpointAsync(by: checkpointer);
        await ShipAsync(audit, 300, 5);
        await audit.CheckpointAsync(by: checkpointer);
        await audit.ListenAsync();

        var key = NoteKey.Parse(await TextAsync(audit, "/api/audit/checkpoint-key"))!;
        var checkpoint = Checkpoint.Open(await TextAsync(audit, "/api/audit/checkpoint?zone_id=z1"), key, "caracal/z1")!;
        Assert.Equal(305, checkpoint.Size);

        var inclusion = await JsonAsync(audit, "/api/audit/proof/inclusion?zone_id=z1&event_id=e7");
        Assert.Equal(checkpoint, Checkpoint.Open(inclusion.GetProperty("checkpoint").GetString()!, key, "caracal/z1"));
        Assert.True(MerkleProofs.VerifyInclusion(
            inclusion.GetProperty("leaf_index").GetInt64(), checkpoint.Size,
            MerkleTree.LeafHash(inclusion.GetProperty("content_sha256").GetString()!), Hashes(inclusion), checkpoint.Root));

        var consistency = await JsonAsync(audit, "/api/audit/proof/consistency?zone_id=z1&from=300");
        var older = Checkpoint.Open(first.Note, key, "caracal/z1")!;
        Assert.True(MerkleProofs.VerifyConsistency(300, 305, older.Root, checkpoint.Root, Hashes(consistency)));
        Assert.Equal(older.Root, Checkpoint.Open(await TextAsync(audit, "/api/audit/checkpoint?zone_id=z1&size=300"), key, "caracal/z1")!.Root);
    }

    [Theory]
    [InlineData("/api/audit/checkpoint", 400)]
    [InlineData("/api/audit/checkpoint?zone_id=nobody", 404)]
    [InlineData("/api/audit/checkpoint?zone_id=z1&size=2", 404)]
    [InlineData("/api/audit/proof/inclusion?zone_id=z1&event_id=nobody", 404)]
    [InlineData("/api/audit/proof/inclusion?zone_id=z2&event_id=e1", 404)]
    [InlineData("/api/audit/proof/inclusion?zone_id=z1&seq=-1", 400)]
    [InlineData("/api/audit/proof/inclusion?zone_id=z1&seq=4", 404)]
    [InlineData("/api/audit/proof/inclusion?zone_id=z1", 404)]
    [InlineData("/api/audit/proof/consistency?zone_id=z1", 400)]
    [InlineData("/api/audit/proof/consistency?zone_id=z1&from=9", 404)]
    public async Task What_cannot_be_proven_is_refused(string path, int status)
    {
        await using var audit = await AuditHarness.CreateAsync();
        await ShipAsync(audit, 0, 3);
        await audit.CheckpointAsync();
        await audit.ListenAsync();

        using var refused = await audit.GetAsync(path, AuditHarness.AdminToken);
        using var unknown = await audit.GetAsync(path);
        Assert.Equal((status, HttpStatusCode.Unauthorized), ((int)refused.StatusCode, unknown.StatusCode));
    }

    [Fact]
    public async Task A_zone_is_signed_after_its_minute_or_its_thousand_events_and_not_before()
    {
        await using var audit = await AuditHarness.CreateAsync();
        var checkpointer = audit.NewCheckpointer(new CheckpointSettings { Signer = Vectors.CheckpointSigner, Events = 5 });
        await ShipAsync(audit, 0, 1);
        Assert.Equal(1, (await audit.CheckpointAsync(by: checkpointer)).TreeSize);

        await ShipAsync(audit, 1, 4);
        Assert.Equal(1, (await audit.CheckpointAsync(by: checkpointer)).TreeSize);
        await ShipAsync(audit, 5, 1);
        Assert.Equal(6, (await audit.CheckpointAsync(by: checkpointer)).TreeSize);
        Assert.Equal(6, (await audit.CheckpointAsync(by: checkpointer)).TreeSize);
    }

    [Fact]
    public async Task A_clock_that_is_put_back_makes_no_zone_wait_for_the_time_it_was_signed_at()
    {
        await using var audit = await AuditHarness.CreateAsync();
        var clock = new SteppedClock { Ahead = TimeSpan.FromHours(1) };
        var checkpointer = new Checkpointer(
            new CheckpointStore(audit.Database), new CheckpointSettings { Signer = Vectors.CheckpointSigner }, new AuditMetrics(new MetricsRegistry()),
            new DatabaseClock(audit.Database, clock), audit.Logging.CreateLogger("audit"));
        await ShipAsync(audit, 0, 1);
        Assert.Equal(1, (await audit.CheckpointAsync(by: checkpointer)).TreeSize);
        clock.Ahead = TimeSpan.Zero;
        await ShipAsync(audit, 1, 1);
        Assert.Equal(2, (await audit.CheckpointAsync(by: checkpointer)).TreeSize);
    }

    [Fact]
    public async Task Two_replicas_never_sign_two_trees_of_one_size()
    {
        await using var audit = await AuditHarness.CreateAsync(Engine.Postgres);
        var replicas = Enumerable.Range(0, 4).Select(_ => audit.NewCheckpointer(audit.Settings.Checkpoints with { Events = 1 })).ToList();
        for (var round = 0; round < 5; round++)
        {
            await ShipAsync(audit, round * 3, 3);
            await Task.WhenAll(replicas.Select(replica => replica.RunAsync(default)));
        }

        var last = await audit.CheckpointAsync(by: replicas[0]);
        Assert.Equal(15, last.TreeSize);
        Assert.True((await new LedgerVerification(audit.Database, Vectors.Keys, Vectors.CheckpointSigner.Key).VerifyAllAsync(default)).IsClean);
        Assert.DoesNotContain("checkpoint_refused", audit.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE audit_checkpoints SET frontier = replace(frontier, substr(frontier, 1, 4), 'AAAA')")]
    [InlineData("UPDATE audit_checkpoints SET note = replace(note, 'caracal/z1', 'caracal/z2')")]
    [InlineData("UPDATE audit_checkpoints SET tree_size = 2")]
    [InlineData("DELETE FROM audit_events WHERE chain_seq = 4")]
    public async Task What_does_not_continue_the_signed_tree_is_never_signed(string sql)
    {
        await using var audit = await AuditHarness.CreateAsync();
        await ShipAsync(audit, 0, 3);
        await audit.CheckpointAsync();
        await ShipAsync(audit, 3, 3);
        await audit.TamperAsync(sql);

        var after = await audit.CheckpointAsync();

        Assert.InRange(after.TreeSize, 2, 3);
        Assert.Contains("\"event\":\"checkpoint_refused\"", audit.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DELETE FROM audit_events; DELETE FROM audit_chain_heads; DELETE FROM audit_checkpoints; DELETE FROM audit_tree_nodes")]
    [InlineData("DELETE FROM audit_events WHERE chain_seq > 2; UPDATE audit_chain_heads SET chain_seq = 2; DELETE FROM audit_checkpoints")]
    public async Task A_process_that_signed_more_notices_a_ledger_that_was_rolled_back(string sql)
    {
        await using var audit = await AuditHarness.CreateAsync();
        var checkpointer = audit.NewCheckpointer();
        await ShipAsync(audit, 0, 3);
        await audit.CheckpointAsync(by: checkpointer);
        await audit.TamperAsync(sql);
        await ShipAsync(audit, 10, 1);

        await checkpointer.RunAsync(default);

        Assert.Contains("\"event\":\"checkpoint_refused\"", audit.Log, StringComparison.Ordinal);
    }

    private static Task ShipAsync(AuditHarness audit, int first, int count) =>
        audit.ShipAsync([.. Enumerable.Range(first, count).Select(i => Vectors.Event($"e{i}"))]);

    private static async Task<string> TextAsync(AuditHarness audit, string path)
    {
        using var response = await audit.GetAsync(path, AuditHarness.AdminToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<JsonElement> JsonAsync(AuditHarness audit, string path) =>
        JsonDocument.Parse(await TextAsync(audit, path)).RootElement;

    private static List<byte[]> Hashes(JsonElement proof) =>
        [.. proof.GetProperty("hashes").EnumerateArray().Select(hash => hash.GetBytesFromBase64())];

    private sealed class SteppedClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
