using Caracal.Storage.Leadership;
using Caracal.Storage.Postgres;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Postgres;

/// <summary>A service that moves to another login loses no call and leaves nothing behind under the old one (operations.md 4.6.7).</summary>
public sealed class PasswordChangeTests
{
    [Fact]
    [Trait("requirement", "R136")]
    public async Task Reads_changes_and_notifications_go_on_while_the_login_changes()
    {
        var logins = await TwoLogins.CreateAsync();
        await using var owner = logins.Owner;
        await using var database = logins.Enter();
        await owner.WriteAsync(work => work.Connection.ExecuteAsync("CREATE TABLE counted (n bigint)"));
        using var stop = new CancellationTokenSource();
        var heard = 0;
        using var listening = database.Listen("counted", _ => Interlocked.Increment(ref heard));
        var lead = await database.TryLeadAsync(AdvisoryLock.Job(7), CancellationToken.None);
        Assert.True(await lead!.IsHeldAsync(CancellationToken.None));
        var writes = 0L;
        var callers = Enumerable.Range(0, 6).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM counted"));
                await database.WriteAsync(work => work.Connection.ExecuteAsync("INSERT INTO counted VALUES (1)"));
                Interlocked.Increment(ref writes);
            }
        })).ToList();

        for (var i = 0; i < 5; i++)
        {
            await Task.Delay(50);
            _ = database.EnterAsync(logins.Address(i % 2 == 0 ? logins.Second : logins.First));
        }

        // A lead is a session of the old login, so it ends; the job is led again through the new one.
        await UntilAsync(async () => !await lead.IsHeldAsync(CancellationToken.None));
        await lead.DisposeAsync();
        await using var again = await database.TryLeadAsync(AdvisoryLock.Job(7), CancellationToken.None);
        Assert.NotNull(again);

        await UntilAsync(async () => await SessionsAsync(owner, logins.First) == 0);
        await stop.CancelAsync();
        await Task.WhenAll(callers);
        Assert.Equal(writes, await owner.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM counted")));
        Assert.True(writes > 20, $"{writes} changes");
        await UntilAsync(async () =>
        {
            await owner.WriteAsync(work => work.Connection.ExecuteAsync("SELECT pg_notify('counted', 'x')"));
            return Volatile.Read(ref heard) > 0;
        });
        await owner.WriteAsync(work => work.Connection.ExecuteAsync($"ALTER ROLE {logins.First} NOLOGIN"));
        await database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT 1"));
    }

    [Fact]
    public async Task Connections_of_the_new_login_are_open_and_have_planned_before_a_request_gets_one()
    {
        const string Slow = "SELECT count(*) FROM pg_class, pg_sleep(0.3) WHERE relname = @relation";
        var logins = await TwoLogins.CreateAsync();
        await using var owner = logins.Owner;
        await using var database = logins.Enter(minimum: 0);
        for (var i = 0; i < 3; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => database.ReadAsync(c => c.ExecuteScalarAsync<long>(Slow, new { relation = "pg_class" }))));
        }

        _ = database.EnterAsync(logins.Address(logins.Second));
        await UntilAsync(async () => await SessionsAsync(owner, logins.First) == 0);

        var last = (await owner.ReadAsync(c => c.QueryAsync<string>("SELECT query FROM pg_stat_activity WHERE usename = @second", new { second = logins.Second }))).ToList();

        // Three that read, as before, and one that shows that the login may change things as well.
        Assert.Equal(4, last.Count(query => query == "RESET plan_cache_mode"));
        Assert.Equal(1, await database.ReadAsync(c => c.ExecuteScalarAsync<long>(Slow, new { relation = "pg_class" })));
    }

    [Fact]
    public async Task Old_connections_end_one_after_the_other_and_so_do_leads()
    {
        const string Slow = "SELECT count(*) FROM pg_sleep(0.3)";
        var logins = await TwoLogins.CreateAsync();
        await using var owner = logins.Owner;
        await using var database = logins.Enter(minimum: 0);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.WhenAll(
            database.ReadAsync(c => c.ExecuteScalarAsync<long>(Slow)), database.WriteAsync(work => work.Connection.ExecuteScalarAsync<long>(Slow)))));
        var pooled = (await owner.ReadAsync(c => c.QueryAsync<int>("SELECT pid FROM pg_stat_activity WHERE usename = @First", new { logins.First }))).ToArray();
        Assert.Equal(6, pooled.Length);
        var leads = new List<ILead>();
        for (var job = 21; job <= 23; job++) leads.Add(Assert.IsType<ILead>(await database.TryLeadAsync(AdvisoryLock.Job(job), default), exactMatch: false));

        _ = database.EnterAsync(logins.Address(logins.Second));
        var closing = ClosingTimeAsync(owner, pooled);
        var ended = await Task.WhenAll(leads.Select(async lead =>
        {
            await lead.Ending;
            return TimeProvider.System.GetTimestamp();
        }));
        foreach (var lead in leads) await lead.DisposeAsync();
        await using var again = await database.TryLeadAsync(AdvisoryLock.Job(21), default);
        Array.Sort(ended);
        Assert.All(ended.Zip(ended.Skip(1)), two => Assert.True(TimeProvider.System.GetElapsedTime(two.First, two.Second) > TimeSpan.FromMilliseconds(200)));
        Assert.True(await closing > TimeSpan.FromMilliseconds(200), $"{await closing}");
        Assert.True(await again!.IsHeldAsync(default));
    }

    // From the first that is gone to the last.
    private static async Task<TimeSpan> ClosingTimeAsync(PostgresDatabase owner, int[] pids)
    {
        long? first = null;
        await UntilAsync(async () =>
        {
            var open = await owner.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(@pids)", new { pids }));
            if (open < pids.Length) first ??= TimeProvider.System.GetTimestamp();
            return open == 0;
        });
        return TimeProvider.System.GetElapsedTime(first!.Value);
    }

    [Fact]
    public async Task A_few_requests_meet_the_new_connections_before_all_do()
    {
        var logins = await TwoLogins.CreateAsync();
        await using var owner = logins.Owner;
        await using var database = logins.Enter();
        await LoginAsync(database);
        _ = database.EnterAsync(logins.Address(logins.Second));
        var seen = new List<(string? Login, long At)>();
        await UntilAsync(async () =>
        {
            for (var i = 0; i < 40; i++) seen.Add((await LoginAsync(database), TimeProvider.System.GetTimestamp()));
            return seen[^40..].All(one => one.Login == logins.Second);
        });

        // Every eighth, as long as that share lasts: half a second, of which seven requests may be over before the first.
        var before = seen.FindIndex(one => one.Login == logins.Second);
        Assert.All(seen[..before], one => Assert.Equal(logins.First, one.Login));
        var share = seen[before..].TakeWhile(one => TimeProvider.System.GetElapsedTime(seen[before].At, one.At) < TimeSpan.FromMilliseconds(250)).ToList();
        Assert.All(share.Index(), one => Assert.Equal(one.Index % 8 == 0 ? logins.Second : logins.First, one.Item.Login));
        Assert.True(share.Count > 8, $"{share.Count} requests in a quarter of a second");

        // Whoever goes in the middle of it waits for none of it.
        var going = logins.Enter();
        var entered = going.EnterAsync(logins.Address(logins.Second));
        await UntilAsync(async () => await LoginAsync(going) == logins.Second);
        var start = TimeProvider.System.GetTimestamp();
        await going.DisposeAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.False(await entered);
    }

    [Fact]
    public async Task Who_is_not_let_in_with_the_new_login_stays_with_the_old_one_until_he_is()
    {
        var logins = await TwoLogins.CreateAsync();
        await using var owner = logins.Owner;
        await using var database = logins.Enter();
        await owner.WriteAsync(work => work.Connection.ExecuteAsync($"ALTER ROLE {logins.Second} NOLOGIN"));
        Assert.Equal(logins.First, await LoginAsync(database));
        var heard = 0;
        using var listening = database.Listen("stays", _ => Interlocked.Increment(ref heard));
        var lead = await database.TryLeadAsync(AdvisoryLock.Job(8), CancellationToken.None);

        var entered = database.EnterAsync(logins.Address(logins.Second));
        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(logins.First, await LoginAsync(database));
            await database.WriteAsync(work => work.Connection.ExecuteAsync("SELECT 1"));
            await Task.Delay(50);
        }

        Assert.True(database.Pool.AuthErrors > 0);
        Assert.False(entered.IsCompleted);
        Assert.True(await lead!.IsHeldAsync(CancellationToken.None));
        await owner.WriteAsync(work => work.Connection.ExecuteAsync("SELECT pg_notify('stays', 'x')"));
        await UntilAsync(() => Task.FromResult(Volatile.Read(ref heard) == 1));
        await owner.WriteAsync(work => work.Connection.ExecuteAsync($"ALTER ROLE {logins.Second} LOGIN"));
        await UntilAsync(async () => await LoginAsync(database) == logins.Second);
        await UntilAsync(async () => !await lead.IsHeldAsync(CancellationToken.None));
        await lead.DisposeAsync();
        Assert.True(await entered);
        await UntilAsync(async () => await SessionsAsync(owner, logins.First) == 0);
    }

    [Fact]
    public async Task Who_goes_back_in_the_middle_of_a_move_ends_where_he_was_and_where_the_old_login_is_shut_moves_at_once()
    {
        var logins = await TwoLogins.CreateAsync();
        await using var owner = logins.Owner;
        await using var database = logins.Enter();
        await LoginAsync(database);
        _ = database.EnterAsync(logins.Address(logins.Second));
        await UntilAsync(async () => await LoginAsync(database) == logins.Second);
        var back = database.EnterAsync(logins.Address(logins.First));
        await UntilAsync(async () => await SessionsAsync(owner, logins.Second) == 0);
        for (var i = 0; i < 40; i++) Assert.Equal(logins.First, await LoginAsync(database));
        Assert.True(await back);

        await owner.WriteAsync(work => work.Connection.ExecuteAsync(
            $"ALTER ROLE {logins.First} NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{logins.First}'"));
        await UntilAsync(async () =>
        {
            try
            {
                return await LoginAsync(database) is null;
            }
            catch (StorageUnavailableException)
            {
                return true;
            }
        });
        _ = database.EnterAsync(logins.Address(logins.Second));
        await UntilAsync(async () =>
        {
            try
            {
                return await LoginAsync(database) == logins.Second;
            }
            catch (StorageUnavailableException)
            {
                return false;
            }
        });
        for (var i = 0; i < 20; i++) Assert.Equal(logins.Second, await LoginAsync(database));

        var overtaken = database.EnterAsync(logins.Address(logins.First));
        var last = database.EnterAsync(logins.Address(logins.Second));
        Assert.Equal((false, true), (await overtaken, await last));
    }

    private static Task<string?> LoginAsync(PostgresDatabase database) =>
        database.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_user::text"));

    private static Task<long> SessionsAsync(PostgresDatabase owner, string login) =>
        owner.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE usename = @login", new { login }));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        for (var i = 0; i < 300; i++)
        {
            if (await holds()) return;
            await Task.Delay(50);
        }

        Assert.Fail("not within 15 s");
    }

    // A database of its own, and the two logins of a service in it.
    private sealed record TwoLogins(PostgresServer Server, string Name, PostgresDatabase Owner)
    {
        public string First => Name + "_one";

        public string Second => Name + "_two";

        public static async Task<TwoLogins> CreateAsync()
        {
            var server = await PostgresServer.GetAsync();
            var name = await server.CreateDatabaseAsync();
            var logins = new TwoLogins(server, name, new PostgresDatabase(server.Address(name), new PostgresSettings { Instance = "owner" }));
            foreach (var login in (string[])[logins.First, logins.Second])
            {
                await logins.Owner.WriteAsync(work => work.Connection.ExecuteAsync($"CREATE ROLE {login} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'"));
            }

            return logins;
        }

        public PostgresAddress Address(string login) => Server.Address(Name, login);

        /// <summary>The service, with its first login.</summary>
        public PostgresDatabase Enter(int? minimum = null)
        {
            var settings = new PostgresSettings { MaximumConnections = 6, Instance = "service" };
            return new PostgresDatabase(Address(First), minimum is { } least ? settings with { MinimumConnections = least } : settings);
        }
    }
}
