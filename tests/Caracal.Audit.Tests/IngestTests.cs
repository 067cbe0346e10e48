using Caracal.TestKit;
using Dapper;

namespace Caracal.Audit.Tests;

public sealed class IngestTests
{
    [Theory]
    [Trait("requirement", "R4")]
    [Trait("requirement", "R23")]
    [InlineData(null)]
    [InlineData("00")]
    [InlineData("other")]
    public async Task Refuses_an_event_whose_signature_is_missing_wrong_or_of_another_key(string? signature)
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();
        signature = signature == "other" ? Vectors.Sign(Vectors.A, Vectors.OtherKeys) : signature;

        await (signature is null
            ? audit.PublishAsync(("data", Vectors.A))
            : audit.PublishEventAsync(Vectors.A, signature));

        Assert.Empty(await audit.RowsAsync());
        Assert.Equal("hmac_verify_failed", Assert.Single(await audit.DeadLettersAsync())["reason"]);
    }

    [Theory]
    [InlineData("""{""", "json_parse_error:")]
    [InlineData("""{"id":"e1","occurred_at":"2026-07-12T10:00:00Z"}""", "json_parse_error:")]
    [InlineData("""{"id":"e1","zone_id":"z1"}""", "json_parse_error:")]
    public async Task Refuses_what_is_no_event(string data, string reason)
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();

        await audit.PublishEventAsync(data, Vectors.Sign(data));

        Assert.Empty(await audit.RowsAsync());
        Assert.StartsWith(reason, Assert.Single(await audit.DeadLettersAsync())["reason"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_a_frame_without_data_and_one_that_is_too_large()
    {
        await using var audit = await (await AuditHarness.CreateAsync(change: s => s with { MaximumEventBytes = 400 })).ListenAsync();

        await audit.PublishAsync(("id", "x"));
        await audit.PublishEventAsync(Vectors.A, Vectors.SignatureA);

        Assert.Equal(["missing_data_field", "event_too_large"], (await audit.DeadLettersAsync()).Select(letter => letter["reason"]));
    }

    [Fact]
    public async Task A_dead_letter_keeps_the_entry_id_apart_from_the_frame_id()
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();

        await audit.PublishAsync(("id", "frame-id"), ("data", "{"), ("sig", Vectors.Sign("{")));

        var letter = Assert.Single(await audit.DeadLettersAsync());
        Assert.Matches("^[0-9]+-[0-9]+$", letter["src_id"]);
        Assert.Equal("frame-id", letter["src_event_id"]);
        Assert.Equal("{", letter["src_data"]);
        Assert.Equal(Vectors.Sign("{"), letter["src_sig"]);
        Assert.Matches("^[0-9]{13}$", letter["received_at"]);
    }

    [Fact]
    public async Task An_event_that_comes_again_with_other_content_is_tampering()
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();
        var changed = Vectors.A.Replace("allow\"", "deny\"", StringComparison.Ordinal);

        await audit.PublishEventAsync(Vectors.A, Vectors.SignatureA);
        await audit.PublishEventAsync(changed, Vectors.Sign(changed));

        Assert.Equal("allow", Assert.Single(await audit.RowsAsync()).Entry.Decision);
        Assert.Equal("tamper_on_replay", Assert.Single(await audit.DeadLettersAsync())["reason"]);
        var alert = await audit.Database.ReadAsync(c => c.QuerySingleAsync<(string EventId, string Kind, string Detail)>(
            "SELECT event_id, kind, detail FROM audit_ingest_alerts"));
        Assert.Equal("019a0000-0000-7000-8000-0000000000a1", alert.EventId);
        Assert.Equal("content_mismatch_on_replay", alert.Kind);
        Assert.StartsWith($"stored={Vectors.ContentA} incoming=", alert.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_event_twice_is_stored_once_and_uses_no_sequence_number()
    {
        await using var audit = await AuditHarness.CreateAsync();

        await audit.ShipAsync(Vectors.A, Vectors.A);
        await audit.ShipAsync(Vectors.A, Vectors.B);

        Assert.Equal([1L, 2L], (await audit.RowsAsync()).Select(row => row.ChainSeq));
        Assert.Empty(await audit.DeadLettersAsync());
    }

    [Theory]
    [Trait("requirement", "R75")]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Events_form_the_chain_of_the_vectors(Engine engine)
    {
        await using var audit = await AuditHarness.CreateAsync(engine);

        await audit.ShipAsync(Vectors.A, Vectors.B);

        var rows = await audit.RowsAsync();
        Assert.Equal([Vectors.ContentA, Vectors.ContentB], rows.Select(row => row.ContentSha256));
        Assert.Equal([Vectors.HmacA, Vectors.HmacB], rows.Select(row => row.ChainHmac));
        Assert.Equal([null, Vectors.ContentA], rows.Select(row => row.PrevContentSha256));
        Assert.Equal([Vectors.SignatureA, Vectors.SignatureB], rows.Select(row => row.IngestSignature));
        Assert.All(rows, row => Assert.Equal("e1b7708d5e844531", row.HmacKeyId));
        Assert.All(rows, row => Assert.Equal("e1b7708d5e844531", row.IngestKeyId));
        Assert.Equal(rows[1].Head, await audit.Ledger.HeadAsync("z1", default));
    }

    [Fact]
    [Trait("requirement", "R38")]
    public async Task What_comes_over_the_stream_and_from_a_journal_share_one_chain()
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();

        await audit.PublishEventAsync(Vectors.A, Vectors.SignatureA);
        await audit.ShipAsync(Vectors.B);

        Assert.Equal([Vectors.HmacA, Vectors.HmacB], (await audit.RowsAsync()).Select(row => row.ChainHmac));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Texts_that_no_database_can_hold_are_cleaned_and_stored(Engine engine)
    {
        await using var audit = await AuditHarness.CreateAsync(engine);

        await audit.ShipAsync(Vectors.Event("e1", metadata: """{"a\u0000":"x\u0000y","b":"\ud800"}"""));

        Assert.Equal("""{"a": "xy", "b": "�"}""", Assert.Single(await audit.RowsAsync()).Entry.MetadataJson);
        Assert.Empty(await audit.DeadLettersAsync());
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Batches_larger_than_a_transaction_keep_every_zone_in_order(Engine engine)
    {
        await using var audit = await AuditHarness.CreateAsync(engine);
        var events = Enumerable.Range(0, 300).Select(i => Vectors.Event($"e{i:000}", zone: $"z{i % 3}")).ToArray();

        await audit.ShipAsync(events);

        for (var zone = 0; zone < 3; zone++)
        {
            var rows = await audit.RowsAsync($"z{zone}");
            Assert.Equal(Enumerable.Range(1, 100).Select(seq => (long)seq), rows.Select(row => row.ChainSeq));
            Assert.Equal(Enumerable.Range(0, 100).Select(i => $"e{(i * 3) + zone:000}"), rows.Select(row => row.Entry.Id));
        }
    }
}
