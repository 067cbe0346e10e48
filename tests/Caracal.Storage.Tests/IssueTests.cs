using System.Collections.Immutable;
using System.Diagnostics;
using Caracal.Storage.Sqlite;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests;

/// <summary>What is issued waits for nobody, and nobody can tell.</summary>
public sealed class IssueTests
{
    private const string Count = "SELECT count(*) FROM zone_versions";

    [Fact]
    public async Task A_read_sees_what_was_issued_before_it()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        for (var i = 1; i <= 50; i++)
        {
            Assert.True(store.Database.TryIssue(Version(store), Insert($"z{i}")));
            Assert.Equal(i, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>(Count)));
        }
    }

    [Fact]
    public async Task A_read_that_looks_at_nothing_issued_does_not_wait_for_it()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        using var reading = new ManualResetEventSlim();
        var writing = Task.Run(() => store.Database.WriteAsync(WriteKind.Bookkeeping, work =>
        {
            Assert.True(store.Database.TryIssue(Version(store), Insert("z1")));
            return Task.FromResult(reading.Wait(TimeSpan.FromSeconds(30))); // The writer is busy until the read is over.
        }, CancellationToken.None));
        var settled = Task.Run(async () =>
        {
            Assert.True(SpinWait.SpinUntil(() => ((SqliteDatabase)store.Database).HasOpenIssues, TimeSpan.FromSeconds(30)));
            var found = await store.Database.ReadSettledSnapshotAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM zones"));
            reading.Set();
            return found;
        });
        await settled;
        Assert.True(await writing);
        Assert.Equal(1, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>(Count)));
    }

    [Fact]
    public async Task A_change_sees_it_too_and_one_that_fails_does_not_take_it_along()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        Assert.True(store.Database.TryIssue(Version(store), Insert("z1")));
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.Database.WriteAsync<long>(async work =>
        {
            Assert.Equal(1, await work.Connection.ExecuteScalarAsync<long>(Count));
            throw new InvalidOperationException("no");
        }));
        Assert.Equal(1, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>(Count)));
    }

    [Fact]
    public async Task Written_by_itself_within_moments_and_when_the_store_is_closed()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        Assert.True(store.Database.TryIssue(Version(store), Insert("z1")));
        Assert.True(SpinWait.SpinUntil(() => !((SqliteDatabase)store.Database).HasOpenIssues, TimeSpan.FromSeconds(10)));
        for (var i = 2; i <= 600; i++) Assert.True(store.Database.TryIssue(Version(store), Insert($"z{i}")));
        await store.ReopenAsync();
        Assert.Equal(600, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>(Count)));
    }

    [Fact]
    public async Task One_that_came_after_a_transaction_took_the_others_along_has_a_wait_of_its_own()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        var database = (SqliteDatabase)store.Database;
        for (var attempt = 0; attempt < 50; attempt++)
        {
            Assert.True(database.TryIssue(Version(store), Insert($"first{attempt}")));
            await Task.Delay(60, CancellationToken.None);
            await database.WriteAsync(WriteKind.Bookkeeping, work => Task.FromResult(0), CancellationToken.None);
            var issued = Stopwatch.StartNew();
            Assert.True(database.TryIssue(Version(store), Insert($"second{attempt}")));
            await Task.Delay(65, CancellationToken.None);
            var waits = database.HasOpenIssues;
            if (issued.ElapsedMilliseconds < 95)
            {
                Assert.True(waits); // The first one's hundred milliseconds were over half-way.
                Assert.True(SpinWait.SpinUntil(() => !database.HasOpenIssues, TimeSpan.FromSeconds(10)));
                return;
            }

            Assert.True(SpinWait.SpinUntil(() => !database.HasOpenIssues, TimeSpan.FromSeconds(10))); // The machine was too slow to tell.
        }

        Assert.Fail("no attempt was quick enough to tell");
    }

    [Fact]
    public async Task However_many_there_are_whoever_writes_takes_them_along_and_writes_at_once()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        for (var attempt = 1; attempt <= 50; attempt++)
        {
            var issued = Stopwatch.StartNew();
            for (var i = 0; i < 300; i++) Assert.True(store.Database.TryIssue(Version(store), Insert($"z{attempt}-{i}")));
            var caller = Environment.CurrentManagedThreadId;
            var (thread, found, after) = await store.Database.WriteAsync(
                WriteKind.Bookkeeping,
                async work => (Environment.CurrentManagedThreadId, await work.Connection.ExecuteScalarAsync<long>(Count), issued.ElapsedMilliseconds),
                CancellationToken.None);
            Assert.Equal(300 * attempt, found);
            if (after < 95)
            {
                Assert.Equal(caller, thread); // not by a transaction after the one of the issues
                return;
            }
        }

        Assert.Fail("no attempt was quick enough to tell");
    }

    [Fact]
    public async Task Not_taken_when_authority_has_changed_or_is_being_changed()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        var known = Version(store);
        await store.Database.WriteAsync(WriteKind.Bookkeeping, work => Task.FromResult(0), CancellationToken.None);
        Assert.True(store.Database.TryIssue(known, Insert("z1")));
        var taken = true;
        await store.Database.WriteAsync(work =>
        {
            taken = store.Database.TryIssue(known, Insert("z2")); // Its commit is still to come.
            return Task.CompletedTask;
        });
        Assert.False(taken);
        Assert.False(store.Database.TryIssue(known, Insert("z3")));
        Assert.True(store.Database.TryIssue(Version(store), Insert("z4")));
        Assert.Equal(["z1", "z4"], await store.Database.ReadAsync(c => c.QueryAsync<string>("SELECT zone_id FROM zone_versions ORDER BY zone_id")));
    }

    [Fact]
    public async Task One_that_cannot_be_written_counts_as_a_change_of_authority_and_harms_no_other()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        var known = Version(store);
        Assert.True(store.Database.TryIssue(known, Insert("z1")));
        Assert.True(store.Database.TryIssue(known, Insert("z1")));
        Assert.True(store.Database.TryIssue(known, Insert("z2")));
        Assert.Equal(2, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>(Count)));
        Assert.NotEqual(known, Version(store));
    }

    [Fact]
    public async Task A_store_that_does_not_keep_up_or_failed_takes_none_until_it_writes_again()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        var known = Version(store);
        var taken = 0;
        await store.Database.WriteAsync(WriteKind.Bookkeeping, work =>
        {
            while (taken < 100_000 && store.Database.TryIssue(known, Insert($"z{taken}"))) taken++;
            return Task.FromResult(0);
        }, CancellationToken.None);
        Assert.Equal(4096, taken);
        Assert.Equal(4096, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>(Count)));

        // The commit fails, not a statement: a deferred key is checked there.
        await Assert.ThrowsAnyAsync<Exception>(() => store.Database.WriteAsync(WriteKind.Bookkeeping, async work =>
        {
            await work.Connection.ExecuteAsync("PRAGMA defer_foreign_keys=ON");
            return await work.Connection.ExecuteAsync(
                """
                INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
                VALUES ('r', 'no zone', 'user', 'ada', 'active', 1, 1, 1)
                """);
        }, CancellationToken.None));
        Assert.False(store.Database.TryIssue(Version(store), Insert("after")));
        await store.Database.WriteAsync(WriteKind.Bookkeeping, work => Task.FromResult(0), CancellationToken.None);
        Assert.True(store.Database.TryIssue(Version(store), Insert("after")));
    }

    // Issuers race a writer of authority; every issue is in the store, in the state of authority it was issued under.
    [Fact]
    public async Task Each_lies_between_the_changes_it_was_issued_between()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        await store.Database.WriteAsync(work => work.Connection.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('state', 0)"));
        using var stop = new CancellationTokenSource();
        var rounds = 0L;
        var issuers = Enumerable.Range(0, 3).Select(issuer => Task.Run(async () =>
        {
            var issued = 0L;
            while (!stop.IsCancellationRequested)
            {
                await Task.Yield();
                var version = Version(store);
                var state = await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT version FROM zone_versions WHERE zone_id = 'state'"));
                // The row takes the state as the writer finds it; its name holds the state it was issued for.
                issued += store.Database.TryIssue(version,
                [
                    new("INSERT INTO zone_versions (zone_id, version) SELECT @id, version FROM zone_versions WHERE zone_id = 'state'", ["@id"],
                        [$"{state}-{issuer}-{issued}"]),
                ]) ? 1 : 0;
                Interlocked.Increment(ref rounds);
            }

            return issued;
        })).ToList();

        // Goes on until they have really raced, however late the issuers get to run.
        for (var i = 0; i < 400 || (Interlocked.Read(ref rounds) < 400 && !issuers.Exists(issuer => issuer.IsCompleted)); i++)
        {
            await store.Database.WriteAsync(work => work.Connection.ExecuteAsync("UPDATE zone_versions SET version = version + 1 WHERE zone_id = 'state'"));
            await Task.Yield();
        }

        await stop.CancelAsync();
        var all = (await Task.WhenAll(issuers)).Sum();
        var rows = (await store.Database.ReadAsync(c => c.QueryAsync<(string Id, long State)>(
            "SELECT zone_id, version FROM zone_versions WHERE zone_id <> 'state'"))).AsList();
        Assert.InRange(all, 1, long.MaxValue);
        Assert.Equal(all, rows.Count);
        Assert.All(rows, row => Assert.StartsWith($"{row.State}-", row.Id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task On_postgresql_nothing_is_issued()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        Assert.Null(store.Database.AuthorityVersion);
        Assert.False(store.Database.TryIssue(0, Insert("z1")));
    }

    private static long Version(TestStore store) => store.Database.AuthorityVersion!.Value;

    private static ImmutableArray<ChangeStatement> Insert(string id) =>
        [new("INSERT INTO zone_versions (zone_id, version) VALUES (@id, 1)", ["@id"], [id])];
}
