using Caracal.Storage.Migrations;
using Caracal.Storage.Moving;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Storage.Sqlite;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Moving;

public sealed class StoreMoveTests
{
    private static readonly DateTimeOffset Now = new(2025, 3, 4, 5, 6, 7, TimeSpan.Zero);

    [Fact]
    public async Task Moves_every_kind_of_value_as_it_was()
    {
        await using var embedded = await SeededAsync();
        var target = await TargetAsync();
        var rows = await new StoreMove((SqliteDatabase)embedded.Database, target).RunAsync((_, _, _) => { }, default);
        Assert.Equal(PrivilegeMatrix.Tables.Select(table => table.Table).Order(), rows.Select(row => row.Table).Order());
        Assert.All(rows, row => Assert.Equal(row.Source, row.Target));
        await using var moved = Open(target);
        foreach (var sql in (string[])
        [
            "SELECT id, zone_id, traits, expires_at, created_via_operator, created_at FROM applications ORDER BY id",
            "SELECT id, stream_name, payload_json, attempts FROM event_outbox ORDER BY id",
            "SELECT id, zone_id, occurred_at, content_sha256, chain_seq FROM audit_events ORDER BY chain_seq",
            "SELECT ref, version FROM secret_store ORDER BY ref",
            "SELECT zone_id, version FROM zone_versions ORDER BY zone_id",
            "SELECT id, parent_edge_id FROM delegation_edges ORDER BY id",
        ])
        {
            Assert.Equal(await TextAsync(embedded.Database, sql), await TextAsync(moved, sql));
        }

        Assert.True(await moved.ReadAsync(c => c.ExecuteScalarAsync<bool>("SELECT available_at = 'infinity' FROM event_outbox WHERE id = 'dead'")));
        Assert.Equal([0, 1, 255], await moved.ReadAsync(c => c.ExecuteScalarAsync<byte[]>("SELECT envelope FROM secret_store")));
        Assert.Equal(30, await moved.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM audit_events_y2025m03")));
    }

    [Fact]
    public async Task Goes_on_where_it_was_interrupted_and_lets_no_service_in_before_it_is_complete()
    {
        await using var embedded = await SeededAsync();
        var target = await TargetAsync();
        var move = new StoreMove((SqliteDatabase)embedded.Database, target) { Piece = 4 };
        await using var service = new PostgresDatabase(
            PostgresAddress.Parse(target.UrlFor("caracalaudit_a", PostgresServer.Password)), new PostgresSettings { Role = ServiceRole.Audit, MinimumConnections = 0 });
        IReadOnlyList<MovedRows>? rows = null;
        var interruptions = 0;
        while (rows is null)
        {
            try
            {
                rows = await move.RunAsync((_, _, _) => throw new IOException("the power went"), default);
            }
            catch (IOException)
            {
                interruptions++;
            }

            Assert.Equal(SchemaState.Incompatible, await service.ReadSchemaStateAsync());
        }

        Assert.InRange(interruptions, 15, 40); // after every piece
        Assert.All(rows, row => Assert.Equal(row.Source, row.Target));
        await move.CompleteAsync(default);
        Assert.Equal(SchemaState.Current, await service.ReadSchemaStateAsync());
        Assert.Equal(30, await service.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(DISTINCT chain_seq) FROM audit_events")));
        var again = await Assert.ThrowsAsync<StoreMoveException>(() => move.RunAsync((_, _, _) => { }, default));
        Assert.Contains("not empty", again.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_another_store_while_one_is_moving_and_a_target_that_is_not_ready()
    {
        await using var embedded = await SeededAsync();
        await using var other = await SeededAsync();
        var target = await TargetAsync();
        await Assert.ThrowsAsync<IOException>(() => new StoreMove((SqliteDatabase)embedded.Database, target).RunAsync((_, _, _) => throw new IOException(), default));
        var mixed = await Assert.ThrowsAsync<StoreMoveException>(() => new StoreMove((SqliteDatabase)other.Database, target).RunAsync((_, _, _) => { }, default));
        Assert.Contains("another embedded store", mixed.Message, StringComparison.Ordinal);
        var server = await PostgresServer.GetAsync();
        var bare = server.Address(await server.CreateDatabaseAsync());
        var unready = await Assert.ThrowsAsync<StoreMoveException>(() => new StoreMove((SqliteDatabase)embedded.Database, bare).RunAsync((_, _, _) => { }, default));
        Assert.Contains("caracal migrate", unready.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_administrator_who_is_no_superuser_migrates_and_moves()
    {
        var server = await PostgresServer.GetAsync();
        await (await TestStore.CreateAsync(Engine.Postgres)).DisposeAsync();
        await using (var super = Open(server.Address("postgres")))
        {
            await super.WriteAsync(work => work.Connection.ExecuteAsync(
                $"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dba') THEN CREATE ROLE dba LOGIN CREATEDB CREATEROLE PASSWORD '{PostgresServer.Password}'; END IF; END $$"));
        }

        var target = server.Address($"dba_{Guid.NewGuid():N}", "dba");
        Assert.True(await DatabaseCreation.EnsureAsync(target, default));
        Assert.False(await DatabaseCreation.EnsureAsync(target, default));
        await MigrationJob.RunAsync(new MigrationJobSettings { Administrator = target }, TimeProvider.System, _ => { }, default);
        await MigrationJob.RunAsync(new MigrationJobSettings { Administrator = target }, TimeProvider.System, _ => { }, default);
        await using var embedded = await SeededAsync();
        Assert.All(
            await new StoreMove((SqliteDatabase)embedded.Database, target).RunAsync((_, _, _) => { }, default),
            row => Assert.Equal(row.Source, row.Target));
    }

    private static async Task<TestStore> SeededAsync()
    {
        var store = await TestStore.CreateAsync(Engine.Sqlite);
        await store.Database.WriteAsync(async work =>
        {
            var c = work.Connection;
            await c.ExecuteAsync("INSERT INTO zones (id, name, slug, dcr_enabled, created_at, updated_at) VALUES ('z', 'Ä \"Z\"', 'z', @yes, @Now, @Now)", new { yes = true, Now });
            for (var i = 0; i < 9; i++)
            {
                await c.ExecuteAsync(
                    "INSERT INTO applications (id, zone_id, name, registration_method, traits, expires_at, created_via_operator, created_at) VALUES (@id, 'z', @id, 'dcr', @traits, @Now, @odd, @created)",
                    new { id = $"a{i}", traits = new[] { "x", "ü\"" }, Now, odd = i % 2 == 1, created = Now.AddTicks(i * 10) });
            }

            foreach (var s in (string[])["s1", "s2", "s3"])
            {
                await c.ExecuteAsync(
                    """
                    INSERT INTO sessions (id, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at, ttl_seconds, metadata_json, updated_at, lifecycle)
                    VALUES (@s, 'z', 'a1', 'r', 'active', @labels, @Now, @Now, 60, @json, @Now, 'task')
                    """,
                    new { s, labels = Array.Empty<string>(), json = new JsonText("""{"k":[1,2.50,null]}"""), Now });
            }

            foreach (var (id, parent, from, to) in new[] { ("e1", (string?)null, "s1", "s2"), ("e2", "e1", "s2", "s3") })
            {
                await c.ExecuteAsync(
                    """
                    INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id, receiver_application_id, parent_edge_id, scopes, constraints_json, status, expires_at, created_at, updated_at)
                    VALUES (@id, 'z', @from, @to, 'a1', 'a1', @parent, @scopes, @json, 'active', @Now, @Now, @Now)
                    """,
                    new { id, parent, from, to, scopes = new[] { "s" }, json = new JsonText("{}"), Now });
            }

            await c.ExecuteAsync("INSERT INTO secret_store (ref, zone_id, envelope, created_at, updated_at) VALUES ('r', 'z', @envelope, @Now, @Now)", new { envelope = new byte[] { 0, 1, 255 }, Now });
            await c.ExecuteAsync($"INSERT INTO event_outbox (id, stream_name, payload_json, available_at, created_at) VALUES ('dead', 's', @json, {work.Dialect.Infinity}, @Now), ('live', 's', @json, @Now, @Now)", new { json = new JsonText("{}"), Now });
            for (var i = 1; i <= 30; i++)
            {
                await c.ExecuteAsync(
                    "INSERT INTO audit_events (id, zone_id, metadata_json, occurred_at, ingested_at, content_sha256, chain_seq) VALUES (@id, 'z', @json, @Now, @Now, @id, @i)",
                    new { id = $"ev{i}", json = new JsonText("{}"), Now, i });
            }

            await c.ExecuteAsync("INSERT INTO audit_chain_heads (zone_id, chain_seq, content_sha256) VALUES ('z', 30, 'ev30')");
        });
        return store;
    }

    private static async Task<PostgresAddress> TargetAsync()
    {
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync();
        await TestStore.MigrateAsync(server, name);
        return server.Address(name);
    }

    private static PostgresDatabase Open(PostgresAddress address) => new(address, new PostgresSettings { MaximumConnections = 2, MinimumConnections = 0 });

    // Through the same mappings on either engine, so that equal text means equal values.
    private static async Task<string> TextAsync(Database database, string sql)
    {
        var rows = await database.ReadAsync(async connection =>
        {
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            var texts = new List<string>();
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                texts.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => Plain(reader.GetName(i), reader.GetValue(i)))));
            }

            return texts;
        });
        return string.Join('\n', rows);
    }

    private static string Plain(string column, object value) => value switch
    {
        DBNull => "-",
        DateTime time => Instants.ToMicroseconds(new DateTimeOffset(time, TimeSpan.Zero)).ToString(),
        bool flag => flag ? "1" : "0",
        string[] list => string.Join(',', list),
        string json when column == "traits" => string.Join(',', System.Text.Json.JsonSerializer.Deserialize<string[]>(json)!),
        _ => value.ToString()!,
    };
}
