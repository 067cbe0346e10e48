using Caracal.Audit.Checkpoints;
using Caracal.Audit.Feeds;
using Caracal.Audit.Witnesses;
using Caracal.Evidence.Checkpoints;
using Caracal.Hosting.Metrics;
using Caracal.Storage.Ledger;
using Caracal.TestKit;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests.Witnesses;

public sealed class CosigningTests
{
    private const string Origin = "caracal/z1";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_witness_sees_the_tree_grow_and_its_cosignature_is_served_with_the_checkpoint(Engine engine)
    {
        await using var audit = await AuditHarness.CreateAsync(engine);
        await using var witness = await StandInWitness.StartAsync(Vectors.CheckpointSigner.Key);
        foreach (var events in (int[])[3, 1, 300])
        {
            await GrowAsync(audit, events);
            await CosignAsync(audit, witness);
            await CosignAsync(audit, witness);
        }

        await audit.ListenAsync();
        using var answer = await audit.GetAsync("/api/audit/checkpoint?zone_id=z1", AuditHarness.AdminToken);
        var note = SignedNote.Parse(await answer.Content.ReadAsStringAsync())!;

        Assert.Equal([200, 200, 200], witness.Answers);
        Assert.Equal(304, Checkpoint.Parse(note.Text)!.Size);
        Assert.True(note.IsSignedBy(witness.Key));
        Assert.True(note.IsSignedBy(Vectors.CheckpointSigner.Key));
        Assert.False(note.IsSignedBy(new NoteSigner("witness.example", new byte[32], NoteKey.Cosignature).Key));
    }

    [Fact]
    public async Task A_witness_that_remembers_more_than_our_records_is_shown_what_follows_from_there()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await using var witness = await StandInWitness.StartAsync(Vectors.CheckpointSigner.Key);
        await GrowAsync(audit, 5);
        await CosignAsync(audit, witness);
        await audit.TamperAsync("DELETE FROM audit_checkpoint_proofs");
        await GrowAsync(audit, 4);
        await CosignAsync(audit, witness);

        Assert.Equal([200, 409, 200], witness.Answers);
        Assert.Equal(9, witness.SizeOf(Origin));
        Assert.Equal(9, await new CheckpointStore(audit.Database).LastProofAsync("z1", CheckpointStore.Cosignature, "witness.example", default));
    }

    [Fact]
    public async Task A_ledger_that_was_rolled_back_is_told_by_the_witness()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await using var witness = await StandInWitness.StartAsync(Vectors.CheckpointSigner.Key);
        await GrowAsync(audit, 5);
        await CosignAsync(audit, witness);
        foreach (var table in (string[])["audit_checkpoint_proofs", "audit_checkpoints", "audit_tree_nodes", "audit_events", "audit_chain_heads"]) await audit.TamperAsync($"DELETE FROM {table}");
        await GrowAsync(audit, 2);
        await CosignAsync(audit, witness);

        Assert.Equal([200, 409], witness.Answers);
        Assert.Contains("witness witness.example has cosigned 5 events, and there are 2", audit.Log, StringComparison.Ordinal);
        Assert.Empty(await new CheckpointStore(audit.Database).ProofsAsync("z1", 2, default));
    }

    [Fact]
    public async Task Another_history_of_the_same_length_gets_no_cosignature()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await using var witness = await StandInWitness.StartAsync(Vectors.CheckpointSigner.Key);
        await GrowAsync(audit, 5);
        await CosignAsync(audit, witness);
        foreach (var table in (string[])["audit_checkpoint_proofs", "audit_checkpoints", "audit_tree_nodes", "audit_events", "audit_chain_heads"]) await audit.TamperAsync($"DELETE FROM {table}");
        await GrowAsync(audit, 8, "deny");
        await CosignAsync(audit, witness);

        Assert.Equal([200, 409, 422], witness.Answers);
        Assert.Contains("cosignature_missing", audit.Log, StringComparison.Ordinal);
        Assert.Empty(await new CheckpointStore(audit.Database).ProofsAsync("z1", 8, default));
    }

    [Fact]
    public async Task A_signature_of_somebody_else_is_not_kept()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await using var witness = await StandInWitness.StartAsync(Vectors.CheckpointSigner.Key);
        witness.Signer = new NoteSigner("witness.example", new byte[32], NoteKey.Cosignature);
        await GrowAsync(audit, 5);
        await CosignAsync(audit, witness);

        Assert.Empty(await new CheckpointStore(audit.Database).ProofsAsync("z1", 5, default));
        Assert.Contains("its signature is not its own", audit.Log, StringComparison.Ordinal);
    }

    private static async Task GrowAsync(AuditHarness audit, int events, string decision = "allow")
    {
        await audit.ShipAsync([.. Enumerable.Range(0, events).Select(_ => Vectors.Event(Guid.NewGuid().ToString(), decision: decision))]);
        await audit.CheckpointAsync(by: audit.NewCheckpointer(audit.Settings.Checkpoints with { Events = 1 }));
    }

    private static async Task CosignAsync(AuditHarness audit, StandInWitness witness)
    {
        using var http = new FeedHttp();
        await new Cosigning(
            new CheckpointStore(audit.Database), [new Witness(witness.Key, witness.Url)], http, new AuditMetrics(new MetricsRegistry()), audit.Clock,
            audit.Logging.CreateLogger("audit")).RunAsync(default);
    }
}
