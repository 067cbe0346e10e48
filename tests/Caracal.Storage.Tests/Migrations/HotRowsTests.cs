using Caracal.Storage.Migrations;
using Caracal.Storage.Sqlite;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Migrations;

public sealed class HotRowsTests
{
    [Fact]
    public async Task Spent_mandates_and_authority_records_of_an_older_store_stay()
    {
        var folder = Directory.CreateTempSubdirectory("caracal-test-");
        try
        {
            await using var database = new SqliteDatabase(Path.Combine(folder.FullName, "caracal.db"), TimeProvider.System);
            var migrations = MigrationFiles.For(database.Dialect);
            Assert.Equal("0001_baseline", migrations[0].Version);
            await database.WriteAsync(async work =>
            {
                await work.Connection.ExecuteAsync(
                    "CREATE TABLE schema_migrations (version text PRIMARY KEY, applied_at INTEGER NOT NULL, sha256 text NOT NULL, phase text NOT NULL)");
                await work.Connection.ExecuteAsync(migrations[0].Sql);
                await work.Connection.ExecuteAsync(
                    "INSERT INTO schema_migrations VALUES (@Version, 0, @Sha256, 'expand')", new { migrations[0].Version, migrations[0].Sha256 });
                await work.Connection.ExecuteAsync("INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z', 'z', 'z', 0, 0)");
                await work.Connection.ExecuteAsync("INSERT INTO used_mandates (jti, expires_at) VALUES ('spent', 9000000000000000)");
                await work.Connection.ExecuteAsync(
                    """
                    INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at, revoked_at)
                    VALUES ('r', 'z', 'user', 'ada', 'revoked', 5, 1, 1, 2)
                    """);
            });
            Assert.Equal(migrations.Count - 1, await Migrator.MigrateAsync(database, DateTimeOffset.UtcNow));
            Assert.Equal("spent", await database.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT jti FROM used_mandates")));
            Assert.Equal("revoked ada 2", await database.ReadAsync(c => c.ExecuteScalarAsync<string>(
                "SELECT status || ' ' || subject_id || ' ' || revoked_at FROM authority_records WHERE id = 'r'")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // The engine reads an index in either direction, and fills its pages only where new rows come last.
    [Theory]
    [InlineData("SELECT id FROM audit_events WHERE zone_id = 'z' ORDER BY occurred_at DESC, id DESC LIMIT 5", "audit_events_zone_time")]
    [InlineData("SELECT id FROM audit_events WHERE zone_id = 'z' AND chain_seq > 5 ORDER BY chain_seq LIMIT 5", "audit_events_zone_seq")]
    [InlineData("SELECT max(chain_seq) FROM audit_events WHERE zone_id = 'z'", "audit_events_zone_seq")]
    [InlineData("SELECT id FROM authority_records WHERE zone_id = 'z' ORDER BY created_at DESC, id DESC LIMIT 5", "authority_records_zone_created")]
    public async Task What_is_newest_is_found_without_sorting_in_indexes_that_ascend(string sql, string index)
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        Assert.DoesNotContain("DESC", await store.Database.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT sql FROM sqlite_master WHERE name = @index", new { index })), StringComparison.OrdinalIgnoreCase);
        var plan = (await store.Database.ReadAsync(c => c.QueryAsync<(long, long, long, string Detail)>("EXPLAIN QUERY PLAN " + sql))).Select(step => step.Detail).ToList();
        Assert.Contains(index, Assert.Single(plan), StringComparison.Ordinal);
    }
}
