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
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync();
        var (first, second) = ($"{name}_one", $"{name}_two");
        await using var owner = new PostgresDatabase(server.Address(name), new PostgresSettings { Instance = "owner" });
        await owner.WriteAsync(work => work.Connection.ExecuteAsync(
            $"CREATE ROLE {first} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'; CREATE ROLE {second} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'; CREATE TABLE counted (n bigint)"));
        await using var database = new PostgresDatabase(server.Address(name, first), new PostgresSettings { MaximumConnections = 6, Instance = "service" });
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
            database.Enter(server.Address(name, i % 2 == 0 ? second : first));
        }

        // A lead is a session of the old login, so it ends; the job is led again through the new one.
        await UntilAsync(async () => !await lead.IsHeldAsync(CancellationToken.None));
        await lead.DisposeAsync();
        await using var again = await database.TryLeadAsync(AdvisoryLock.Job(7), CancellationToken.None);
        Assert.NotNull(again);

        await UntilAsync(async () => await SessionsAsync(owner, first) == 0);
        await stop.CancelAsync();
        await Task.WhenAll(callers);
        Assert.Equal(writes, await owner.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM counted")));
        Assert.True(writes > 20, $"{writes} changes");
        await UntilAsync(async () =>
        {
            await owner.WriteAsync(work => work.Connection.ExecuteAsync("SELECT pg_notify('counted', 'x')"));
            return Volatile.Read(ref heard) > 0;
        });
        await owner.WriteAsync(work => work.Connection.ExecuteAsync($"ALTER ROLE {first} NOLOGIN"));
        await database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT 1"));
    }

    [Fact]
    public async Task Connections_of_the_new_login_are_open_and_have_planned_before_a_request_gets_one()
    {
        const string Slow = "SELECT count(*) FROM pg_class, pg_sleep(0.3) WHERE relname = @relation";
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync();
        var (first, second) = ($"{name}_old", $"{name}_new");
        await using var owner = new PostgresDatabase(server.Address(name), new PostgresSettings { Instance = "owner" });
        await owner.WriteAsync(work => work.Connection.ExecuteAsync(
            $"CREATE ROLE {first} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'; CREATE ROLE {second} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'"));
        await using var database = new PostgresDatabase(server.Address(name, first), new PostgresSettings { MaximumConnections = 6, MinimumConnections = 0, Instance = "service" });
        for (var i = 0; i < 3; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => database.ReadAsync(c => c.ExecuteScalarAsync<long>(Slow, new { relation = "pg_class" }))));
        }

        database.Enter(server.Address(name, second));
        await UntilAsync(async () => await SessionsAsync(owner, first) == 0);

        var last = (await owner.ReadAsync(c => c.QueryAsync<string>("SELECT query FROM pg_stat_activity WHERE usename = @second", new { second }))).ToList();

        // Three that read, as before, and one that shows that the login may change things as well.
        Assert.Equal(4, last.Count(query => query == "RESET plan_cache_mode"));
        Assert.Equal(1, await database.ReadAsync(c => c.ExecuteScalarAsync<long>(Slow, new { relation = "pg_class" })));
    }

    [Fact]
    public async Task A_few_requests_meet_the_new_connections_before_all_do()
    {
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync();
        var (first, second) = ($"{name}_early", $"{name}_late");
        await using var owner = new PostgresDatabase(server.Address(name), new PostgresSettings { Instance = "owner" });
        await owner.WriteAsync(work => work.Connection.ExecuteAsync(
            $"CREATE ROLE {first} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'; CREATE ROLE {second} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'"));
        await using var database = new PostgresDatabase(server.Address(name, first), new PostgresSettings { MaximumConnections = 6, Instance = "service" });
        await database.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_user"));
        database.Enter(server.Address(name, second));
        var logins = new List<string?>();
        await UntilAsync(async () =>
        {
            for (var i = 0; i < 40; i++) logins.Add(await database.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_user::text")));
            return logins[^40..].All(login => login == second);
        });

        var before = logins.IndexOf(second);
        Assert.All(logins[..before], login => Assert.Equal(first, login));
        Assert.Equal(5, logins.Skip(before).Take(40).Count(login => login == second));
        Assert.True(logins.LastIndexOf(first) > before);

        // Whoever goes in the middle of it waits for none of it.
        var going = new PostgresDatabase(server.Address(name, first), new PostgresSettings { MaximumConnections = 6, Instance = "going" });
        going.Enter(server.Address(name, second));
        await UntilAsync(async () => await going.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_user::text")) == second);
        var start = TimeProvider.System.GetTimestamp();
        await going.DisposeAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Who_is_not_let_in_with_the_new_login_stays_with_the_old_one_until_he_is()
    {
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync();
        var (first, second) = ($"{name}_stays", $"{name}_refused");
        await using var owner = new PostgresDatabase(server.Address(name), new PostgresSettings { Instance = "owner" });
        await owner.WriteAsync(work => work.Connection.ExecuteAsync(
            $"CREATE ROLE {first} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'; CREATE ROLE {second} SUPERUSER NOLOGIN PASSWORD '{PostgresServer.Password}'"));
        await using var database = new PostgresDatabase(server.Address(name, first), new PostgresSettings { MaximumConnections = 6, Instance = "service" });
        Task<string?> LoginAsync() => database.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_user::text"));
        Assert.Equal(first, await LoginAsync());
        var heard = 0;
        using var listening = database.Listen("stays", _ => Interlocked.Increment(ref heard));
        var lead = await database.TryLeadAsync(AdvisoryLock.Job(8), CancellationToken.None);

        database.Enter(server.Address(name, second));
        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(first, await LoginAsync());
            await database.WriteAsync(work => work.Connection.ExecuteAsync("SELECT 1"));
            await Task.Delay(50);
        }

        Assert.True(database.Pool.AuthErrors > 0);
        Assert.True(await lead!.IsHeldAsync(CancellationToken.None));
        await owner.WriteAsync(work => work.Connection.ExecuteAsync("SELECT pg_notify('stays', 'x')"));
        await UntilAsync(() => Task.FromResult(Volatile.Read(ref heard) == 1));
        await owner.WriteAsync(work => work.Connection.ExecuteAsync($"ALTER ROLE {second} LOGIN"));
        await UntilAsync(async () => await LoginAsync() == second);
        await UntilAsync(async () => !await lead.IsHeldAsync(CancellationToken.None));
        await lead.DisposeAsync();
        await UntilAsync(async () => await SessionsAsync(owner, first) == 0);
    }

    [Fact]
    public async Task Who_goes_back_in_the_middle_of_a_move_ends_where_he_was_and_where_the_old_login_is_shut_moves_at_once()
    {
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync();
        var (first, second) = ($"{name}_back", $"{name}_left");
        await using var owner = new PostgresDatabase(server.Address(name), new PostgresSettings { Instance = "owner" });
        await owner.WriteAsync(work => work.Connection.ExecuteAsync(
            $"CREATE ROLE {first} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'; CREATE ROLE {second} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'"));
        await using var database = new PostgresDatabase(server.Address(name, first), new PostgresSettings { MaximumConnections = 6, Instance = "service" });
        Task<string?> LoginAsync() => database.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_user::text"));
        await LoginAsync();
        database.Enter(server.Address(name, second));
        await UntilAsync(async () => await LoginAsync() == second);
        database.Enter(server.Address(name, first));
        await UntilAsync(async () => await SessionsAsync(owner, second) == 0);
        for (var i = 0; i < 40; i++) Assert.Equal(first, await LoginAsync());

        await owner.WriteAsync(work => work.Connection.ExecuteAsync(
            $"ALTER ROLE {first} NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{first}'"));
        await UntilAsync(async () =>
        {
            try
            {
                return await LoginAsync() is null;
            }
            catch (StorageUnavailableException)
            {
                return true;
            }
        });
        database.Enter(server.Address(name, second));
        await UntilAsync(async () =>
        {
            try
            {
                return await LoginAsync() == second;
            }
            catch (StorageUnavailableException)
            {
                return false;
            }
        });
        for (var i = 0; i < 20; i++) Assert.Equal(second, await LoginAsync());
    }

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
}
