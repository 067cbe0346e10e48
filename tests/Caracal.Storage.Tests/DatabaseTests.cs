using Caracal.Storage.Migrations;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests;

public sealed class DatabaseTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Migrating_twice_changes_nothing(Engine engine)
    {
        await using var temporary = await TestStore.CreateAsync(engine);
        Assert.Equal(0, await Migrator.MigrateAsync(temporary.Database, Now));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_reader_cannot_write(Engine engine)
    {
        await using var temporary = await TestStore.CreateAsync(engine);
        await Assert.ThrowsAnyAsync<Exception>(() => temporary.Database.ReadAsync(
            c => c.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('z', 1)")));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_body_that_throws_rolls_back_alone_among_works_that_commit_together(Engine engine)
    {
        await using var temporary = await TestStore.CreateAsync(engine);
        var works = Enumerable.Range(0, 200).Select(i => temporary.Database.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync(
                "INSERT INTO zone_versions (zone_id, version) VALUES (@id, @i)", new { id = $"z{i}", i });
            return i % 3 == 0 ? throw new InvalidOperationException("no") : i;
        })).ToList();
        foreach (var (work, i) in works.Select((w, i) => (w, i)))
        {
            if (i % 3 == 0)
            {
                await Assert.ThrowsAsync<InvalidOperationException>(() => work);
            }
            else
            {
                Assert.Equal(i, await work);
            }
        }

        await temporary.ReopenAsync();
        Assert.Equal(133, await temporary.Database.ReadAsync(c => c.ExecuteScalarAsync<int>("SELECT count(*) FROM zone_versions")));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Discarded_work_leaves_nothing_and_announces_nothing(Engine engine)
    {
        await using var temporary = await TestStore.CreateAsync(engine);
        var heard = System.Threading.Channels.Channel.CreateUnbounded<string>();
        using var listening = temporary.Database.Listen("c", payload => heard.Writer.TryWrite(payload));
        await temporary.Database.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('z', 1)");
            work.Notify("c", "lost");
            work.Discard();
        });

        // A server's listener starts beside us: what was announced before it listened is the pollers' to find.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var first = heard.Reader.ReadAsync(limit.Token).AsTask();
        while (!first.IsCompleted)
        {
            await temporary.Database.WriteAsync(work =>
            {
                work.Notify("c", "kept");
                return Task.CompletedTask;
            });
            await Task.WhenAny(first, Task.Delay(20, limit.Token));
        }

        Assert.Equal("kept", await first);
        Assert.Equal(0, await temporary.Database.ReadAsync(c => c.ExecuteScalarAsync<int>("SELECT count(*) FROM zone_versions")));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Times_and_lists_come_back_as_they_went_in(Engine engine)
    {
        await using var temporary = await TestStore.CreateAsync(engine);
        var time = Now.AddTicks(1_234_560);
        await temporary.Database.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync(
                "INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z', 'Z', 'z', @time, @time)", new { time });
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO applications (id, zone_id, name, registration_method, traits, created_at)
                VALUES ('a', 'z', 'A', 'managed', @traits, @time)
                """,
                new { traits = new[] { "x", "y\"z" }, time });
        });
        var (created, traits, expires) = await temporary.Database.ReadAsync(
            c => c.QuerySingleAsync<(DateTimeOffset, string[], DateTimeOffset?)>("SELECT created_at, traits, expires_at FROM applications"));
        Assert.Equal(time, created);
        Assert.Equal(["x", "y\"z"], traits);
        Assert.Null(expires);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_zones_version_rises_with_every_change_of_its_configuration(Engine engine)
    {
        await using var temporary = await TestStore.CreateAsync(engine);
        Task<long> Version() => temporary.Database.ReadAsync(
            c => c.ExecuteScalarAsync<long>("SELECT coalesce(max(version), 0) FROM zone_versions WHERE zone_id = 'z'"));
        await temporary.Database.WriteAsync(work => work.Connection.ExecuteAsync(
            "INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z', 'Z', 'z', @Now, @Now)", new { Now }));
        var first = await Version();
        await temporary.Database.WriteAsync(work => work.Connection.ExecuteAsync(
            "INSERT INTO secret_store (ref, zone_id, envelope, created_at, updated_at) VALUES ('r', 'z', @envelope, @Now, @Now)", new { Now, envelope = new byte[] { 0 } }));
        var second = await Version();
        await temporary.Database.WriteAsync(work => work.Connection.ExecuteAsync("DELETE FROM secret_store"));
        Assert.True(first > 0 && second > first && await Version() > second);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task What_no_exchange_reads_does_not_raise_the_version_of_its_zone(Engine engine)
    {
        await using var temporary = await TestStore.CreateAsync(engine);
        var envelope = new byte[] { 0 };
        async Task<long> RaisedByAsync(string sql)
        {
            Task<long> Version() => temporary.Database.ReadAsync(
                c => c.ExecuteScalarAsync<long>("SELECT coalesce(max(version), 0) FROM zone_versions WHERE zone_id = 'z'"));
            var before = await Version();
            Assert.Equal(1, await temporary.Database.WriteAsync(work => work.Connection.ExecuteAsync(sql, new { Now, envelope })));
            return await Version() - before;
        }

        await RaisedByAsync("INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z', 'Z', 'z', @Now, @Now)");
        foreach (var (reference, raised) in new[] { ("p/secretConfig", 1), ("p/secretConfig/staged", 0), ("p/secretConfig/previous", 0), ("p/staged/x", 1), ("previous", 1) })
        {
            Assert.Equal(raised, await RaisedByAsync(
                $"INSERT INTO secret_store (ref, zone_id, envelope, created_at, updated_at) VALUES ('{reference}', 'z', @envelope, @Now, @Now)"));
            Assert.Equal(raised, await RaisedByAsync($"UPDATE secret_store SET version = version + 1 WHERE ref = '{reference}'"));
            Assert.Equal(raised, await RaisedByAsync($"DELETE FROM secret_store WHERE ref = '{reference}'"));
        }

        Assert.Equal(1, await RaisedByAsync(
            "INSERT INTO credential_secrets (id, zone_id, owner, hash, state, created_at) VALUES ('c', 'z', 'application:a', 'h', 'previous', @Now)"));
        Assert.Equal(0, await RaisedByAsync("UPDATE credential_secrets SET last_used_at = @Now WHERE id = 'c'"));
        foreach (var change in (string[])["state = 'retired'", "hash = 'i'", "expires_at = @Now", "owner = 'application:b'", "last_used_at = @Now, state = 'previous'"])
        {
            Assert.Equal(1, await RaisedByAsync($"UPDATE credential_secrets SET {change} WHERE id = 'c'"));
        }

        Assert.Equal(1, await RaisedByAsync("DELETE FROM credential_secrets WHERE id = 'c'"));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Policy_versions_cannot_be_changed_or_deleted(Engine engine)
    {
        await using var temporary = await TestStore.CreateAsync(engine);
        await temporary.Database.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync(
                "INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z', 'Z', 'z', @Now, @Now)", new { Now });
            await work.Connection.ExecuteAsync(
                "INSERT INTO policies (id, zone_id, name, created_by, created_at, updated_at) VALUES ('p', 'z', 'P', 'me', @Now, @Now)", new { Now });
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO policy_versions (id, policy_id, version, content, content_sha256, schema_version, created_by, created_at)
                VALUES ('v', 'p', 1, 'c', 'h', 's', 'me', @Now)
                """,
                new { Now });
        });
        await Assert.ThrowsAnyAsync<Exception>(() => temporary.Database.WriteAsync(
            work => work.Connection.ExecuteAsync("UPDATE policy_versions SET content = 'd'")));
        await Assert.ThrowsAnyAsync<Exception>(() => temporary.Database.WriteAsync(
            work => work.Connection.ExecuteAsync("DELETE FROM policy_versions")));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_handler_that_throws_after_the_commit_does_not_stop_the_writer(Engine engine)
    {
        await using var temporary = await TestStore.CreateAsync(engine);
        await Assert.ThrowsAsync<InvalidOperationException>(() => temporary.Database.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('z', 1)");
            work.OnCommitted(() => throw new InvalidOperationException("handler"));
        }));
        await temporary.Database.WriteAsync(work => work.Connection.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('y', 1)"));
        Assert.Equal(2, await temporary.Database.ReadAsync(c => c.ExecuteScalarAsync<int>("SELECT count(*) FROM zone_versions")));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(15)]
    public void Microseconds_truncate_downwards(long ticks) =>
        Assert.Equal(
            (long)Math.Floor(ticks / 10m),
            Instants.ToMicroseconds(DateTimeOffset.UnixEpoch.AddTicks(ticks)));

    [Fact]
    public async Task Only_what_a_power_cut_may_undo_commits_without_the_disk()
    {
        await using var temporary = await TestStore.CreateAsync(Engine.Sqlite);
        Task<int> SyncOfAsync(WriteKind kind) => temporary.Database.WriteAsync(
            kind, work => work.Connection.ExecuteScalarAsync<int>("PRAGMA synchronous"));
        const int Normal = 1;
        const int Full = 2;
        Assert.Equal(Full, await SyncOfAsync(WriteKind.Authority));
        Assert.Equal(Normal, await SyncOfAsync(WriteKind.Issue));
        Assert.Equal(Full, await SyncOfAsync(WriteKind.Bookkeeping));
        var works = Enumerable.Range(0, 400)
            .Select(i => Task.Run(async () => (Durable: i % 4 == 0, Sync: await SyncOfAsync(i % 4 == 0 ? WriteKind.Authority : WriteKind.Issue))));
        Assert.All(await Task.WhenAll(works), work => Assert.True(work.Sync == Full || !work.Durable));
    }

    [Fact]
    public async Task A_failed_work_alone_in_its_transaction_leaves_nothing_and_the_next_one_goes_on()
    {
        await using var temporary = await TestStore.CreateAsync(Engine.Sqlite);
        await Assert.ThrowsAsync<InvalidOperationException>(() => temporary.Database.WriteAsync<int>(async work =>
        {
            await work.Connection.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('a', 1)");
            throw new InvalidOperationException("no");
        }));
        await temporary.Database.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('b', 1)");
            work.Discard();
        });
        await temporary.Database.WriteAsync(work => work.Connection.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('c', 1)"));
        Assert.Equal("c", await temporary.Database.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT group_concat(zone_id) FROM zone_versions")));
    }
}
