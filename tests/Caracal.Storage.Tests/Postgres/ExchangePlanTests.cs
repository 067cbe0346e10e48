using Caracal.Protocol;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Storage.TokenExchange;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Postgres;

/// <summary>What an exchange asks for is found by key, also by a server that has never counted its rows.</summary>
public sealed class ExchangePlanTests
{
    private const int Exchanges = 40;

    [Fact]
    public async Task An_exchange_reads_a_handful_of_rows_of_a_full_zone_that_was_never_analyzed()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        await FillAsync(store);
        var readByFilling = await RowsReadAsync(store);
        await using var sts = await store.EnterAsync(ServiceRole.Sts);
        var insertion = new AuthorityRecordInsertion(sts, new ExchangeFactsMemory(sts), TimeProvider.System);
        for (var i = 0; i < Exchanges; i++)
        {
            var now = DateTimeOffset.UtcNow;
            var record = new NewAuthorityRecord
            {
                Id = Ids.New(),
                ZoneId = "z",
                SessionType = "application",
                SubjectId = "a",
                ExpiresAt = now.AddMinutes(5),
                Now = now,
                UsedJti = $"jti-{i}",
                UsedJtiIssuedAt = now,
                UsedJtiExpiresAt = now.AddMinutes(5),
            };
            var outcome = await insertion.InsertAsync(record, new ExchangeLookup("z", $"r{i + 1}", $"s{i + 1}", $"e{i + 1}"), 0, _ => false, default);
            Assert.Equal(RecordOutcome.Written, outcome);
        }

        await sts.WriteAsync(WriteKind.Bookkeeping, work => work.Connection.ExecuteAsync("SELECT pg_stat_force_next_flush()"));
        Assert.InRange(await RowsReadAsync(store) - readByFilling, Exchanges * 5, Exchanges * 10);
    }

    // A mint names no record: were its null of no type, every mint would be parsed and planned, and those of Sessions not found.
    [Fact]
    public async Task A_statement_is_prepared_once_whether_or_not_a_text_of_it_is_null()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        await FillAsync(store);
        await using var sts = await store.EnterAsync(ServiceRole.Sts);
        var facts = new ExchangeFactsStore(sts, new ExchangeFactsMemory(sts));
        for (var i = 0; i < 10; i++)
        {
            Assert.NotNull((await facts.ReadAsync(new ExchangeLookup("z", null, "s1", "e1"), default)).Delegation);
            Assert.NotNull((await facts.ReadAsync(new ExchangeLookup("z", "r1", null, null), default)).Record);
        }

        var uses = await sts.ReadAsync(c => c.QueryAsync<long>(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE '%LEFT JOIN delegation_edges%'"));
        Assert.InRange(Assert.Single(uses), 18, 20);
    }

    // Checking the rows' references reads rows too: they are counted by the time this returns, not at some later moment.
    private static Task FillAsync(TestStore store) => store.Owner.WriteAsync(work => work.Connection.ExecuteAsync(
        """
        INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z', 'z', 'z', now(), now());
        INSERT INTO applications (id, zone_id, name, registration_method, traits, created_at) VALUES ('a', 'z', 'a', 'managed', '{}', now());
        INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
        SELECT 'r' || i, 'z', 'application', 'a', 'active', now() + interval '1 hour', now(), now() FROM generate_series(1, 3000) i;
        INSERT INTO sessions (id, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at, ttl_seconds, metadata_json, updated_at, lifecycle)
        SELECT 's' || i, 'z', 'a', 'r' || i, 'active', '{}', now(), now(), 3600, '{}', now(), 'task' FROM generate_series(1, 3000) i;
        INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id, receiver_application_id, scopes, constraints_json, status, expires_at, created_at, updated_at)
        SELECT 'e' || i, 'z', 's' || i, 's' || (i + 1), 'a', 'a', '{}', '{}', 'active', now() + interval '1 hour', now(), now() FROM generate_series(1, 2999) i;
        SELECT pg_stat_force_next_flush()
        """));

    private static Task<long> RowsReadAsync(TestStore store) => store.Owner.ReadAsync(c => c.ExecuteScalarAsync<long>(
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE relname IN ('authority_records', 'sessions', 'delegation_edges')"));
}
