using Caracal.Evidence.AdminAudit;
using Caracal.Storage.AdminAudit;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.AdminAudit;

public sealed class AdminAuditLedgerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Each_zone_has_a_chain_of_its_own_and_what_belongs_to_none_has_one_too(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        foreach (var zone in (string?[])["a", null, "b", "a", null, "a"])
        {
            await store.Database.WriteAsync(work => AdminAuditLedger.AppendAsync(work, Entry(zone), key: null));
        }

        var rows = (await store.Database.ReadAsync(c => c.QueryAsync<(string Chain, long Seq, string Content, string? Previous, string? Payload)>(
            "SELECT coalesce(zone_id, ''), chain_seq, content_sha256, prev_content_sha256, payload_json FROM admin_audit_events ORDER BY 1, 2"))).ToList();
        Assert.Equal([("", 1), ("", 2), ("a", 1), ("a", 2), ("a", 3), ("b", 1)], rows.Select(row => (row.Chain, row.Seq)));
        foreach (var row in rows)
        {
            Assert.Equal(rows.SingleOrDefault(before => before.Chain == row.Chain && before.Seq == row.Seq - 1).Content, row.Previous);
            Assert.Equal("{\"n\":1}", row.Payload?.Replace(" ", "", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_embedded_store_finds_the_head_of_a_chain_by_one_look()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        var plan = await store.Database.ReadAsync(c => c.QueryAsync<(long, long, long, string Detail)>(
            "EXPLAIN QUERY PLAN " + AdminAuditLedger.EmbeddedHead, new { zone = "a" }));
        Assert.Equal("SEARCH admin_audit_events USING INDEX admin_audit_events_chain_uidx (<expr>=?)", Assert.Single(plan).Detail);
    }

    private static AdminAuditEntry Entry(string? zone) => new()
    {
        RequestId = "r",
        Action = "POST /x",
        Method = "POST",
        Path = "/x",
        ZoneId = zone,
        StatusCode = 201,
        PayloadJson = "{\"n\":1}",
        OccurredAt = Now,
    };
}
