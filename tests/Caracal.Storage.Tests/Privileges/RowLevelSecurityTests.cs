using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Tests.Privileges;

/// <summary>storage.md 3: what is not said to be visible is not.</summary>
public sealed class RowLevelSecurityTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public async Task Every_table_of_a_zone_is_isolated_and_binds_its_owner_too()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        var open = await store.Database.ReadAsync(c => c.QueryAsync<string>(
            """
            SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
              AND (c.relname = 'zones' OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'zone_id' AND NOT a.attisdropped))
              AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
            """));
        Assert.Equal("", string.Join(", ", open));
        var owners = await store.Database.ReadAsync(c => c.QueryAsync<string>(
            "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public' UNION SELECT DISTINCT viewowner::text FROM pg_views WHERE schemaname LIKE '%\\_read'"));
        Assert.Equal([ServiceRole.Owner], owners);
    }

    [Theory]
    [InlineData("api", "applications")]
    [InlineData("sts", "applications")]
    [InlineData("coordinator", "applications")]
    [InlineData("api", "zones")]
    [InlineData("coordinator", "sessions")]
    [InlineData("gateway", "sessions")]
    [InlineData("audit", "admin_audit_events")]
    public async Task Shows_nothing_without_a_zone_one_zone_with_it_and_all_with_the_star(string service, string table)
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Of(service));
        await SeedAsync(store);
        await using var connection = await RawAsync(store, ServiceRole.Of(service));
        Assert.Equal(0, await CountAsync());
        await connection.ExecuteAsync("SELECT set_config('caracal.zone_id', 'z1', false)");
        Assert.Equal(1, await CountAsync());
        await connection.ExecuteAsync("SELECT set_config('caracal.zone_id', '', false)");
        Assert.Equal(0, await CountAsync());
        await connection.ExecuteAsync("SELECT set_config('caracal.zone_id', '*', false)");
        Assert.Equal(2, await CountAsync());
        Assert.Equal(2, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table}")));

        Task<long> CountAsync() => connection.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table}");
    }

    [Fact]
    public async Task Refuses_a_row_of_another_zone()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Api);
        await SeedAsync(store);
        using (store.Database.RestrictTo("z1"))
        {
            Assert.Equal(1, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM applications")));
            Assert.Equal(1, await store.Database.ReadSnapshotAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM zones")));
            Assert.Equal(0, await store.Database.WriteAsync(work => work.Connection.ExecuteAsync("UPDATE applications SET name = 'x' WHERE zone_id = 'z2'")));
            var refused = await Assert.ThrowsAsync<PostgresException>(() => store.Database.WriteAsync(work => work.Connection.ExecuteAsync(
                "UPDATE applications SET zone_id = 'z2' WHERE zone_id = 'z1'")));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        }

        Assert.Equal(2, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM applications")));
    }

    [Fact]
    public async Task A_zone_ends_with_its_call_and_never_reaches_the_next_user_of_the_connection()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Api);
        await SeedAsync(store);
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            using var limit = i % 2 == 0 ? store.Database.RestrictTo(i % 4 == 0 ? "z1" : "z2") : null;
            for (var repeat = 0; repeat < 10; repeat++)
            {
                var seen = await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM applications"));
                Assert.Equal(i % 2 == 0 ? 1 : 2, seen);
            }
        }));
    }

    private static Task SeedAsync(TestStore store) => store.Owner.WriteAsync(async work =>
    {
        foreach (var zone in (string[])["z1", "z2"])
        {
            await work.Connection.ExecuteAsync("INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES (@zone, @zone, @zone, @Now, @Now)", new { zone, Now });
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO applications (id, zone_id, name, registration_method, traits, created_at) VALUES ('app-' || @zone, @zone, 'A', 'managed', '{}', @Now);
                INSERT INTO sessions (id, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at, ttl_seconds, metadata_json, updated_at, lifecycle)
                VALUES ('s-' || @zone, @zone, 'app-' || @zone, 'r', 'active', '{}', @Now, @Now, 60, '{}', @Now, 'task');
                INSERT INTO admin_audit_events (id, request_id, action, method, path, zone_id, status_code, occurred_at, content_sha256, chain_seq)
                VALUES ('e-' || @zone, 'r', 'a', 'POST', '/', @zone, 200, @Now, 'h', 1)
                """,
                new { zone, Now });
        }
    });

    private static async Task<NpgsqlConnection> RawAsync(TestStore store, ServiceRole role)
    {
        var server = await PostgresServer.GetAsync();
        var database = await store.Owner.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_database()"));
        var connection = new NpgsqlConnection(server.ConnectionString(database!, role.FirstLogin) + $";Search Path={role.ReadSchema},public");
        await connection.OpenAsync();
        return connection;
    }
}
