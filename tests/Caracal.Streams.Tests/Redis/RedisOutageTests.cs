using System.Collections.Concurrent;
using System.Diagnostics;
using Caracal.Streams.Consumers;
using Caracal.Streams.Redis;
using Caracal.Streams.State;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Streams.Tests.Redis;

public sealed class RedisOutageTests : IAsyncLifetime
{
    private const string Topic = "caracal.sessions.revoke";
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _end = new(TimeSpan.FromSeconds(90));
    private RedisServer _server = null!;

    private CancellationToken End => _end.Token;

    public async ValueTask InitializeAsync() => _server = await RedisServer.StartOwnAsync();

    [Fact]
    public async Task A_server_killed_under_load_makes_callers_fail_in_time_and_no_mark_is_ever_given_twice()
    {
        await using var redis = new RedisConnection(Options());
        var state = new RedisState(redis);
        await state.PingAsync(End);
        var wins = new ConcurrentDictionary<int, int>();
        var slowest = 0L;
        int refusals = 0, winsAfterRestart = 0;
        var isBack = false;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(End);
        var callers = Enumerable.Range(0, 16).Select(seed => Task.Run(async () =>
        {
            // Two callers each fight for the same marks.
            for (var i = seed / 2; !stop.IsCancellationRequested; i += 8)
            {
                var took = Stopwatch.GetTimestamp();
                try
                {
                    if (await state.TryAddAsync($"seen:jti:{i}", "r", Minute, End))
                    {
                        wins.AddOrUpdate(i, 1, (_, count) => count + 1);
                        Interlocked.Add(ref winsAfterRestart, Volatile.Read(ref isBack) ? 1 : 0);
                    }
                }
                catch (StreamsUnavailableException)
                {
                    Interlocked.Increment(ref refusals);
                    await Task.Delay(1);
                }

                InterlockedMax(ref slowest, (long)Stopwatch.GetElapsedTime(took).TotalMilliseconds);
            }
        })).ToArray();

        for (var round = 0; round < 3; round++)
        {
            var before = wins.Count;
            await Until(() => wins.Count > before + 200);
            var refused = Volatile.Read(ref refusals);
            await _server.KillAsync();
            await Until(() => Volatile.Read(ref refusals) > refused);
            Assert.False(redis.IsConnected);
            await _server.StartAsync();
        }

        Volatile.Write(ref isBack, true);
        await Until(() => Volatile.Read(ref winsAfterRestart) > 200);
        await stop.CancelAsync();
        await Task.WhenAll(callers);
        Assert.All(wins, win => Assert.Equal(1, win.Value));
        Assert.InRange(slowest, 0, (long)Patience.TotalMilliseconds + 1_500);
        Assert.Equal(4, redis.Figures.Connections);
    }

    [Fact]
    public async Task A_consumer_outlives_its_server_and_misses_nothing()
    {
        await using var redis = new RedisConnection(Options());
        var streams = new RedisStreams(redis);
        var seen = new ConcurrentDictionary<string, int>();
        var consuming = Consume(streams, new RedisState(redis), entry => seen.AddOrUpdate(entry.Value("n")!, 1, (_, c) => c + 1));
        await Until(() => consuming.Consumer.IsReady);
        for (var n = 0; n < 300; n++)
        {
            if (n is 100 or 200)
            {
                await _server.KillAsync();
                await _server.StartAsync();
            }

            await AppendUntilDoneAsync(streams, $"{n}");
        }

        // Well before anything is reclaimed: the work that broke off is taken up again at once.
        var waited = Stopwatch.StartNew();
        await Until(() => seen.Count == 300);
        Assert.InRange(waited.ElapsedMilliseconds, 0, 10_000);
        await _end.CancelAsync();
        await consuming.Running;
    }

    [Fact]
    public async Task Groups_come_back_after_the_server_lost_everything_and_new_messages_are_taken_within_seconds()
    {
        await using var redis = new RedisConnection(Options());
        var recreated = new ConcurrentQueue<(string, string)>();
        var streams = new RedisStreams(redis) { GroupRecreated = (topic, group) => recreated.Enqueue((topic, group)) };
        var seen = new ConcurrentDictionary<string, int>();
        var consuming = Consume(streams, new RedisState(redis), entry => seen.TryAdd(entry.Value("n")!, 1));
        await Until(() => consuming.Consumer.IsReady);
        for (var round = 0; round < 3; round++)
        {
            await streams.AppendAsync(Topic, [new("n", $"before{round}")], null, End);
            await Until(() => seen.ContainsKey($"before{round}"));
            await redis.ExecuteAsync(["FLUSHALL"], End);
            var lost = Stopwatch.StartNew();
            await streams.AppendAsync(Topic, [new("n", $"after{round}")], null, End);
            await Until(() => seen.ContainsKey($"after{round}"));
            Assert.InRange(lost.ElapsedMilliseconds, 0, 5_000);
        }

        Assert.Contains((Topic, "g"), recreated);
        Assert.Empty(await streams.ClaimAsync("caracal.other", "g", "c", TimeSpan.Zero, 10, End));
        await _end.CancelAsync();
        await consuming.Running;
    }

    [Fact]
    public async Task A_message_whose_delivery_was_lost_on_the_wire_comes_with_the_next_read_and_what_was_acknowledged_does_not()
    {
        await using var proxy = new CuttingProxy(_server.Port);
        await using var redis = new RedisConnection(Options() with { Port = proxy.Port });
        await using var direct = new RedisConnection(Options());
        var streams = new RedisStreams(redis);
        var sender = new RedisStreams(direct);
        await streams.EnsureGroupAsync(Topic, "g", fromBeginning: false, shared: false, End);
        var first = await sender.AppendAsync(Topic, [new("n", "1")], null, End);
        Assert.Equal([first], (await streams.ReadAsync([Topic], "g", "c", 10, Minute, End)).Select(e => e.Id));

        await streams.AcknowledgeAsync(Topic, "g", first, End);
        var reading = streams.ReadAsync([Topic], "g", "c", 10, Minute, End);
        await Until(async () => (await direct.ExecuteAsync(["INFO", "clients"], End)).Text!.Contains("blocked_clients:1", StringComparison.Ordinal));
        proxy.Swallow();
        var second = await sender.AppendAsync(Topic, [new("n", "2")], null, End);
        proxy.Cut();
        await Assert.ThrowsAsync<StreamsUnavailableException>(() => reading);
        await Until(async () => await Answers(redis));

        Assert.Equal([second], (await streams.ReadAsync([Topic], "g", "c", 10, Minute, End)).Select(e => e.Id));
        Assert.Empty(await streams.ReadAsync([Topic], "g", "c", 10, TimeSpan.FromMilliseconds(1), End));
    }

    [Fact]
    public async Task A_consumer_that_starts_again_under_its_name_first_gets_what_it_had_not_acknowledged()
    {
        await using var redis = new RedisConnection(Options());
        var before = new RedisStreams(redis);
        await before.EnsureGroupAsync(Topic, "g", fromBeginning: false, shared: true, End);
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(await before.AppendAsync(Topic, [new("n", $"{i}")], null, End));
        }

        Assert.Equal(3, (await before.ReadAsync([Topic], "g", "c", 3, Minute, End)).Count);
        await before.AcknowledgeAsync(Topic, "g", ids[0], End);
        await before.DeleteAsync(Topic, ids[1], End);

        var after = new RedisStreams(redis);
        Assert.Equal([ids[2]], (await after.ReadAsync([Topic], "g", "c", 10, Minute, End)).Select(e => e.Id));
        Assert.Equal(ids[3..], (await after.ReadAsync([Topic], "g", "c", 10, Minute, End)).Select(e => e.Id));
        Assert.Equal(3, (await redis.ExecuteAsync(["XPENDING", Topic, "g"], End)).Items[0].Integer);
    }

    [Fact]
    public async Task Waiting_readers_do_not_hold_up_anyone()
    {
        await using var redis = new RedisConnection(Options());
        var streams = new RedisStreams(redis);
        await streams.EnsureGroupAsync(Topic, "g", fromBeginning: false, shared: false, End);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(End);
        var reading = Enumerable.Range(0, 5)
            .Select(i => streams.ReadAsync([Topic], "g", $"c{i}", 10, Minute, stop.Token)).ToArray();
        await new RedisState(redis).PingAsync(End);
        Assert.Equal(0, await streams.LengthAsync(Topic, End));
        await stop.CancelAsync();
        foreach (var read in reading)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _server.DisposeAsync();
        _end.Dispose();
    }

    private static void InterlockedMax(ref long target, long value)
    {
        long current;
        while ((current = Volatile.Read(ref target)) < value
            && Interlocked.CompareExchange(ref target, value, current) != current)
        {
            // Another caller was slower still.
        }
    }

    private RedisOptions Options() => _server.Options() with { Database = 0, CommandTimeout = Patience };

    private (StreamConsumer Consumer, Task Running) Consume(RedisStreams streams, RedisState state, Action<StreamEntry> seen)
    {
        var subscription = new StreamSubscription { Topics = [Topic], Group = "g", Consumer = "c", Block = TimeSpan.FromMilliseconds(200) };
        var consumer = new StreamConsumer(
            streams, state, subscription,
            (entry, _) =>
            {
                seen(entry);
                return Task.CompletedTask;
            },
            TimeProvider.System);
        return (consumer, consumer.RunAsync(End));
    }

    private async Task AppendUntilDoneAsync(RedisStreams streams, string n)
    {
        while (true)
        {
            try
            {
                await streams.AppendAsync(Topic, [new("n", n)], 10_000, End);
                return;
            }
            catch (StreamsUnavailableException)
            {
                await Task.Delay(10, End);
            }
        }
    }

    private async Task<bool> Answers(RedisConnection redis)
    {
        try
        {
            await new RedisState(redis).PingAsync(End);
            return true;
        }
        catch (StreamsUnavailableException)
        {
            return false;
        }
    }

    private Task Until(Func<bool> condition) => Until(() => Task.FromResult(condition()));

    private async Task Until(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(5, End);
        }
    }
}
