using Caracal.Storage.Ledger;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Postgres;

public sealed class LedgerPlanTests
{
    private const int Rows = 20_000;

    [Fact]
    public async Task A_batch_of_new_events_is_checked_for_duplicates_without_reading_a_ledger_that_has_no_statistics_yet()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        await store.Owner.WriteAsync(work => work.Connection.ExecuteAsync(
            $"""
             ANALYZE audit_events;
             INSERT INTO audit_events (id, zone_id, occurred_at, content_sha256, chain_seq)
             SELECT 'e' || i, 'z', now(), 'c', i FROM generate_series(1, {Rows}) i
             """));
        await using var audit = await store.EnterAsync(ServiceRole.Audit);
        var ledger = new LedgerStore(audit.Dialect);

        var known = await audit.WriteAsync(
            WriteKind.Bookkeeping, work => ledger.ContentsAsync(work, [.. Enumerable.Range(Rows - 9, 500).Select(i => $"e{i}")]));

        Assert.Equal(10, known.Count);
        await audit.WriteAsync(WriteKind.Bookkeeping, work => work.Connection.ExecuteAsync("SELECT pg_stat_force_next_flush()"));
        var read = await store.Owner.ReadAsync(c => c.ExecuteScalarAsync<long>(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE relname LIKE 'audit_events%'"));
        Assert.InRange(read, 10, 100);
    }
}
