using Caracal.Keys.Secrets;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Upkeep;
using Caracal.Streams.State;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Streams.Tests.Redis;

/// <summary>A service that gets another password loses no call and no reader (operations.md 4.6.8).</summary>
public sealed class PasswordChangeTests(RedisServer server)
{
    private const string User = "caracal-changing";
    private const string First = "the-first-password-of-tests";
    private const string Second = "the-second-password-of-tests";

    [Fact]
    [Trait("requirement", "R136")]
    public async Task Calls_and_blocking_readers_go_on_and_nothing_of_the_old_password_is_left()
    {
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using var admin = new RedisConnection(server.Options() with { Database = 0 });
        await admin.ExecuteAsync(["ACL", "SETUSER", User, "reset", "on", ">" + First, "~*", "+@all"], end.Token);
        var passwords = new UserPasswords(admin);
        var options = server.Options() with { User = User, Password = new SecretText(First) };
        await using var redis = new RedisConnection(options);
        var state = new RedisState(redis);
        var streams = new RedisStreams(redis);
        await streams.EnsureGroupAsync("t", "g", fromBeginning: true, shared: false, end.Token);
        using var stop = new CancellationTokenSource();
        var calls = 0;
        var callers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await state.IncrementAsync("n", TimeSpan.FromMinutes(1), end.Token);
                Interlocked.Increment(ref calls);
            }
        })).Append(Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) await streams.ReadAsync(["t"], "g", "c", 1, TimeSpan.FromMilliseconds(200), end.Token);
        })).ToList();
        await Task.Delay(2500, end.Token); // Redis tells ages in whole seconds

        await passwords.AddAsync(User, Second, end.Token);
        redis.Enter(options with { Password = new SecretText("not-a-password-of-anybody") }); // A mistake costs nothing while the old one lives.
        await Task.Delay(200, end.Token);
        redis.Enter(options with { Password = new SecretText(Second) });
        var changed = TimeProvider.System.GetTimestamp();
        while ((await passwords.ConnectionsBeforeAsync(User, TimeProvider.System.GetElapsedTime(changed), end.Token)).Count > 0) await Task.Delay(100, end.Token);
        await passwords.RemoveAsync(User, First, end.Token);
        await passwords.RemoveAsync(User, First, end.Token);
        var before = Volatile.Read(ref calls);
        await Task.Delay(300, end.Token);
        await stop.CancelAsync();
        await Task.WhenAll(callers);

        Assert.True(calls > before);
        await using var old = new RedisConnection(options);
        await Assert.ThrowsAsync<StreamsUnavailableException>(async () => await new RedisState(old).PingAsync(end.Token));
    }

    [Fact]
    public async Task A_reader_that_waits_for_messages_is_woken_at_once_and_misses_none()
    {
        const string Waiting = "caracal-waiting";
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await using var admin = new RedisConnection(server.Options() with { Database = 0 });
        await admin.ExecuteAsync(["ACL", "SETUSER", Waiting, "reset", "on", ">" + First, "~*", "+@all"], end.Token);
        var passwords = new UserPasswords(admin);
        await using var redis = new RedisConnection(server.Options() with { User = Waiting, Password = new SecretText(First) });
        var streams = new RedisStreams(redis);
        await streams.EnsureGroupAsync("woken", "g", fromBeginning: true, shared: false, end.Token);

        var read = streams.ReadAsync(["woken"], "g", "c", 1, TimeSpan.FromSeconds(60), end.Token);
        while (!read.IsCompleted)
        {
            foreach (var connection in await passwords.ConnectionsBeforeAsync(Waiting, long.MaxValue, end.Token)) await passwords.WakeAsync(connection, end.Token);
            await Task.Delay(20, end.Token);
        }

        Assert.Empty(await read);
        var id = await streams.AppendAsync("woken", [new("n", "1")], null, end.Token);
        Assert.Equal(id, Assert.Single(await streams.ReadAsync(["woken"], "g", "c", 1, TimeSpan.FromSeconds(5), end.Token)).Id);
    }

    [Fact]
    public async Task What_entered_before_a_connection_is_told_from_what_entered_after_it()
    {
        const string Telling = "caracal-telling";
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await using var admin = new RedisConnection(server.Options() with { Database = 0 });
        await admin.ExecuteAsync(["ACL", "SETUSER", Telling, "reset", "on", ">" + First, "~*", "+@all"], end.Token);
        var options = server.Options() with { User = Telling, Password = new SecretText(First) };
        await using var before = new RedisConnection(options);
        await new RedisState(before).PingAsync(end.Token);
        await using var marking = new RedisConnection(server.Options() with { Database = 0 });
        var passwords = new UserPasswords(marking);
        var mark = await passwords.OwnConnectionAsync(end.Token);
        await using var after = new RedisConnection(options);
        await new RedisState(after).PingAsync(end.Token);

        var old = Assert.Single(await passwords.ConnectionsBeforeAsync(Telling, mark, end.Token));
        await passwords.EndAsync(old, end.Token);
        Assert.Empty(await passwords.ConnectionsBeforeAsync(Telling, mark, end.Token));
        await new RedisState(after).PingAsync(end.Token);
    }

    [Fact]
    public async Task A_connection_that_nobody_waits_on_leaves_at_once_when_the_password_has_changed()
    {
        const string Leaving = "caracal-leaving";
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await using var admin = new RedisConnection(server.Options() with { Database = 0 });
        await admin.ExecuteAsync(["ACL", "SETUSER", Leaving, "reset", "on", ">" + First, ">" + Second, "~*", "+@all"], end.Token);
        var passwords = new UserPasswords(admin);
        var options = server.Options() with { User = Leaving, Password = new SecretText(First), CommandTimeout = TimeSpan.FromSeconds(60) };
        await using var redis = new RedisConnection(options);
        await new RedisState(redis).PingAsync(end.Token);
        var old = Assert.Single(await passwords.ConnectionsBeforeAsync(Leaving, long.MaxValue, end.Token));

        redis.Enter(options with { Password = new SecretText(Second) });
        IReadOnlyList<long> left;
        do await Task.Delay(20, end.Token);
        while ((left = await passwords.ConnectionsBeforeAsync(Leaving, long.MaxValue, end.Token)).Contains(old) || left.Count == 0);

        await new RedisState(redis).PingAsync(end.Token);
        Assert.DoesNotContain(old, left);
    }
}
