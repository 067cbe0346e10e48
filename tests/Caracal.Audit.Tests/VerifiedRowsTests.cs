using Caracal.Evidence.Ledger;
using Caracal.TestKit;

namespace Caracal.Audit.Tests;

/// <summary>What a verification reads of a row is what everybody else reads of it, hashed the same way.</summary>
public sealed class VerifiedRowsTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task The_bytes_that_are_verified_are_those_of_the_row(Engine engine)
    {
        await using var audit = await AuditHarness.CreateAsync(engine);
        await audit.ShipAsync(
            Vectors.A,
            Vectors.B,
            Vectors.Event("e1"),
            Vectors.Event("é\\u001f\u2028", decision: "", metadata: "null"),
            Vectors.Event("large", metadata: $$"""{"a":"{{new string('ü', 20_000)}}","b":1e2}"""),
            Vectors.Event("old").Replace("2026-07-12T10:00:00Z", "1969-12-31T23:59:59.999999Z", StringComparison.Ordinal),
            Vectors.Event("epoch").Replace("2026-07-12T10:00:00Z", "1970-01-01T00:00:00Z", StringComparison.Ordinal),
            Vectors.Event("far").Replace("2026-07-12T10:00:00Z", "9999-12-31T23:59:59.999999Z", StringComparison.Ordinal));
        await audit.TamperAsync("UPDATE audit_events SET hmac_key_id = NULL, chain_hmac = NULL, manifest_sha = '' WHERE chain_seq = 3");

        var rows = await audit.RowsAsync();
        foreach (var (after, limit) in ((int, int)[])[(0, 3), (3, 4), (7, 100), (0, 100)])
        {
            using var page = await audit.Ledger.LinksAsync("z1", after, limit, default);
            Assert.Equal(rows.Skip(after).Take(limit).Select(Told), page.Rows.Select(Told));
        }

        Assert.Equal((8, true), (rows.Count, rows.All(row => row.ComputeContent() == row.ContentSha256)));
    }

    [Fact]
    public async Task A_byte_before_a_text_is_seen()
    {
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync(Vectors.A);
        await audit.TamperAsync("UPDATE audit_events SET metadata_json = char(1) || metadata_json");

        using var page = await audit.Ledger.LinksAsync("z1", 0, 10, default);

        Assert.NotEqual(Vectors.ContentA, Assert.Single(page.Rows).ComputeContent());
    }

    [Theory]
    [InlineData("metadata_json")]
    [InlineData("diagnostics_json")]
    [InlineData("determining_policies_json")]
    public async Task An_empty_text_where_there_was_none_is_seen(string column)
    {
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync(Vectors.Event("e1").Replace("\"determining_policies_json\":[],\"diagnostics_json\":[],\"metadata_json\":{},", "", StringComparison.Ordinal));
        async Task<bool> Holds()
        {
            using var page = await audit.Ledger.LinksAsync("z1", 0, 10, default);
            return Assert.Single(page.Rows) is var row && row.ComputeContent() == row.ContentSha256;
        }

        Assert.True(await Holds());
        await audit.TamperAsync($"UPDATE audit_events SET {column} = ''");
        Assert.False(await Holds());
    }

    private static (string, string, long, string, string?, string?, string?, string) Told(IChainRow row) =>
        (row.Chain, row.RowId, row.ChainSeq, row.ContentSha256, row.PrevContentSha256, row.ChainHmac, row.HmacKeyId, row.ComputeContent());
}
