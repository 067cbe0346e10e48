using Caracal.TestKit;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Tests.Sqlite;

/// <summary>Exchanges go on while books are kept, because whoever keeps them cannot change what exchanges are decided on.</summary>
public sealed class FactProtectionTests
{
    // Nobody read it before it was there: whoever only adds it changes no fact.
    private const string Record =
        """
        INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
        VALUES (@id, 'z', 'user', 'ada', 'active', 1, 1, 1)
        """;

    [Theory]
    [InlineData("UPDATE authority_records SET status = 'revoked'")]
    [InlineData("DELETE FROM authority_records WHERE id = 'r'")]
    [InlineData("UPDATE sessions SET status = 'suspended'")]
    [InlineData("DELETE FROM delegation_edges")]
    [InlineData("UPDATE delegation_graph_epochs SET epoch = epoch + 1")]
    [InlineData("UPDATE zone_versions SET version = 7")]
    [InlineData("INSERT INTO zone_versions (zone_id, version) VALUES ('z', 1) ON CONFLICT (zone_id) DO UPDATE SET version = 7")]
    [InlineData("INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) VALUES ('y', 1, 1) ON CONFLICT (zone_id) DO NOTHING")]
    [InlineData("UPDATE zones SET name = 'other'")]
    [InlineData("DELETE FROM secret_store")]
    [InlineData("UPDATE event_outbox SET attempts = 0; UPDATE zones SET name = 'other'")]
    [InlineData("WITH all_of_them AS (SELECT id FROM zones) UPDATE authority_records SET status = 'revoked' WHERE zone_id IN (SELECT id FROM all_of_them)")]
    public async Task Refuses_a_change_of_a_fact_under_another_name(string sql)
    {
        await using var store = await SeedAsync();
        var before = await SeenAsync(store);
        var version = store.Database.AuthorityVersion;
        foreach (var kind in (WriteKind[])[WriteKind.Bookkeeping, WriteKind.Issue])
        {
            await RefusedAsync(store, kind, sql);

            // Not even when the same text was prepared by who may.
            await store.Database.WriteAsync(async work =>
            {
                await work.Connection.ExecuteAsync(sql);
                work.Discard();
            });
            await RefusedAsync(store, kind, sql);
        }

        Assert.Equal(before, await SeenAsync(store));
        Assert.Equal(version + 2, store.Database.AuthorityVersion);
    }

    [Theory]
    [InlineData("UPDATE authority_records SET status = 'revoked'")]
    [InlineData("UPDATE delegation_graph_epochs SET epoch = epoch + 1")]
    public async Task Refuses_a_change_of_authority_in_one_of_configuration(string sql)
    {
        await using var store = await SeedAsync();
        await RefusedAsync(store, WriteKind.Configuration, sql);
    }

    [Fact]
    public async Task Who_decides_while_a_zone_is_configured_comes_before_and_who_decides_after_reads_again()
    {
        await using var store = await SeedAsync();
        var known = store.Database.AuthorityVersion!.Value;
        ChangeStatement insert(string id) => new(Record, ["@id"], [id]);
        var taken = false;
        await store.Database.WriteAsync(
            WriteKind.Configuration,
            async work =>
            {
                await work.Connection.ExecuteAsync("UPDATE zones SET name = 'other'");
                taken = store.Database.TryIssue(known, [insert("meanwhile")]); // Its commit is still to come.
            },
            CancellationToken.None);
        Assert.True(taken);
        Assert.Equal(known + 1, store.Database.AuthorityVersion);
        Assert.False(store.Database.TryIssue(known, [insert("after")]));
        Assert.Equal(["meanwhile", "r"], await store.Database.ReadAsync(c => c.QueryAsync<string>("SELECT id FROM authority_records ORDER BY id")));
    }

    [Fact]
    public async Task Who_is_refused_takes_nobody_along()
    {
        await using var store = await SeedAsync();
        var works = Enumerable.Range(0, 40).Select(i => Task.Run(async () =>
        {
            if (i % 4 == 0) await RefusedAsync(store, WriteKind.Bookkeeping, "UPDATE zones SET name = 'other'");
            else if (i % 4 == 1) await store.Database.WriteAsync(work => work.Connection.ExecuteAsync("UPDATE zone_versions SET version = version + 1 WHERE zone_id = 'z'"));
            else await store.Database.WriteAsync(WriteKind.Bookkeeping, work => work.Connection.ExecuteAsync(Record, new { id = $"new{i}" }));
        }));
        await Task.WhenAll(works);
        Assert.Equal(20, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM authority_records WHERE id LIKE 'new%'")));
        Assert.Equal("zone", await store.Database.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT name FROM zones WHERE id = 'z'")));
    }

    private static async Task RefusedAsync(TestStore store, WriteKind kind, string sql)
    {
        var fault = await Assert.ThrowsAnyAsync<Exception>(() => store.Database.WriteAsync(kind, work => work.Connection.ExecuteAsync(sql), CancellationToken.None));
        Assert.True(fault is InvalidOperationException or SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_AUTH }, fault.ToString());
    }

    private static async Task<TestStore> SeedAsync()
    {
        var store = await TestStore.CreateAsync(Engine.Sqlite);
        await store.Database.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync("INSERT INTO zones (id, slug, name, created_at, updated_at) VALUES ('z', 'z', 'zone', 1, 1)");
            await work.Connection.ExecuteAsync(Record, new { id = "r" });
        });
        return store;
    }

    private static Task<string> SeenAsync(TestStore store) => store.Database.ReadAsync(async c =>
        await c.ExecuteScalarAsync<string>("SELECT group_concat(status) FROM authority_records") + await c.ExecuteScalarAsync<string>("SELECT group_concat(name) FROM zones")
        + await c.ExecuteScalarAsync<string>("SELECT group_concat(version) FROM zone_versions"));
}
