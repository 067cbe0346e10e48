using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Storage.TokenExchange;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Postgres;

public sealed class PlanAgingTests
{
    [Fact]
    public async Task A_connection_that_began_on_empty_tables_does_not_read_the_whole_zone_when_they_are_full()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        await store.Owner.WriteAsync(work => work.Connection.ExecuteAsync(
            """
            INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z', 'z', 'z', now(), now());
            INSERT INTO applications (id, zone_id, name, registration_method, traits, created_at) VALUES ('a', 'z', 'a', 'managed', '{}', now());
            ANALYZE
            """));

        await using var sts = await store.EnterAsync(ServiceRole.Sts);
        await AskAsync(sts, 20);
        await store.Owner.WriteAsync(work => work.Connection.ExecuteAsync(
            """
            INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
            SELECT 'r' || i, 'z', 'application', 'a', 'active', now(), now(), now() FROM generate_series(1, 3000) i;
            INSERT INTO sessions (id, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at, ttl_seconds, metadata_json, updated_at, lifecycle)
            SELECT 's' || i, 'z', 'a', 'r' || i, 'active', '{}', now(), now(), 60, '{}', now(), 'task' FROM generate_series(1, 3000) i
            """));
        await AskAsync(sts, 60);
        var before = await RowsReadAsync(store, sts);
        await AskAsync(sts, 50);
        Assert.InRange(await RowsReadAsync(store, sts) - before, 50, 50 * 10);
    }

    private static async Task AskAsync(PostgresDatabase sts, int times)
    {
        var facts = new ExchangeFactsStore(sts, new ExchangeFactsMemory(sts));
        for (var i = 0; i < times; i++)
        {
            await facts.ReadAsync(new ExchangeLookup("z", "r7", "s7", null), default);
        }
    }

    private static async Task<long> RowsReadAsync(TestStore store, PostgresDatabase sts)
    {
        await sts.ReadAsync(c => c.ExecuteAsync("SELECT pg_stat_force_next_flush()"));
        return await store.Owner.ReadAsync(c => c.ExecuteScalarAsync<long>(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE relname IN ('authority_records', 'sessions')"));
    }
}
