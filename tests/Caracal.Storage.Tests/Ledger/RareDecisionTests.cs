using Caracal.Storage.Ledger;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Ledger;

/// <summary>One refusal in a long chain is found by an index, not by walking what was allowed.</summary>
public sealed class RareDecisionTests
{
    private const int Rows = 20_000;
    private const long Refused = 15_000;

    private static readonly LedgerQuery Question = new()
    {
        ZoneId = "z",
        Decision = "deny",
        Since = DateTimeOffset.UnixEpoch,
        Until = DateTimeOffset.UnixEpoch.AddYears(200),
    };

    [Fact]
    public async Task PostgreSQL_reads_the_refusal_and_little_else()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        await FillAsync(store, "timestamptz '2026-07-12 10:00:00Z' + i * interval '1 ms'");
        await using var audit = await store.EnterAsync(ServiceRole.Audit);

        await FindAsync(audit, Question);

        await audit.ReadAsync(connection => connection.ExecuteAsync("SELECT pg_stat_force_next_flush()"));
        var read = await store.Owner.ReadAsync(c => c.ExecuteScalarAsync<long>(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE relname LIKE 'audit_events%'"));
        Assert.InRange(read, 1, 2000); // the page behind each cursor is looked at first
    }

    [Fact]
    public async Task SQLite_goes_through_the_index()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        await FillAsync(store, "1783850400000000 + i * 1000");

        await FindAsync(store.Database, Question);

        var plan = await store.Database.ReadAsync(connection => connection.QueryAsync<(long, long, long, string Detail)>(
            """
            EXPLAIN QUERY PLAN SELECT id FROM audit_events
            WHERE zone_id = @ZoneId AND chain_seq > @AfterSeq AND occurred_at >= 0 AND decision = @Decision AND decision <> 'allow'
            ORDER BY chain_seq LIMIT @Limit
            """,
            new { Question.ZoneId, Question.AfterSeq, Question.Decision, Question.Limit }));
        Assert.Contains("audit_events_refused_seq (zone_id=? AND decision=? AND chain_seq>?)", Assert.Single(plan).Detail, StringComparison.Ordinal);
    }

    private static Task FillAsync(TestStore store, string time) => store.Owner.WriteAsync(work => work.Connection.ExecuteAsync(
        $"""
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {Rows})
         INSERT INTO audit_events (id, zone_id, event_type, request_id, decision, evaluation_status, occurred_at, ingested_at, content_sha256, chain_seq)
         SELECT 'e' || i, 'z', 't', 'r', CASE WHEN i = {Refused} THEN 'deny' ELSE 'allow' END, 'c', {time}, {time}, 'c', i FROM n
         """));

    private static async Task FindAsync(Database database, LedgerQuery question)
    {
        var ledger = new LedgerReader(database);
        Assert.Equal([Refused], (await ledger.SearchAsync(question, default)).Select(row => row.ChainSeq));
        Assert.Empty(await ledger.SearchAsync(question with { AfterSeq = Refused }, default));
        Assert.Equal(100, (await ledger.SearchAsync(question with { Decision = "allow" }, default)).Count);
    }
}
