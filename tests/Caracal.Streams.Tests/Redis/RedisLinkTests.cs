using System.Diagnostics;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Resp;
using Caracal.Streams.State;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Streams.Tests.Redis;

public sealed class RedisLinkTests(RedisServer server) : IDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _end = new(TimeSpan.FromSeconds(60));

    private CancellationToken End => _end.Token;

    [Fact]
    public async Task Callers_who_give_up_never_shift_the_replies_of_the_others()
    {
        await using var redis = new RedisConnection(server.Options());
        var state = new RedisState(redis);
        await Parallel.ForAsync(0, 200, End, async (i, ct) => await state.SetAsync($"k{i}", $"v{i}", Minute, ct));
        var cancelled = 0;
        await Parallel.ForAsync(0, 32, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = End }, async (seed, ct) =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 300; i++)
            {
                var key = random.Next(200);
                using var impatient = CancellationTokenSource.CreateLinkedTokenSource(ct);
                var get = state.GetAsync($"k{key}", impatient.Token);
                if (random.Next(3) == 0)
                {
                    await impatient.CancelAsync();
                }

                try
                {
                    Assert.Equal($"v{key}", await get);
                }
                catch (OperationCanceledException) when (impatient.IsCancellationRequested)
                {
                    Interlocked.Increment(ref cancelled);
                }
            }
        });
        Assert.True(cancelled > 0);
        Assert.Equal(1, redis.Figures.Connections);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_already_sends_nothing()
    {
        await using var redis = new RedisConnection(server.Options());
        var state = new RedisState(redis);
        await state.PingAsync(End);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await state.TryAddAsync("k", "", Minute, cancelled.Token));
        Assert.True(await state.TryAddAsync("k", "", Minute, End));
    }

    [Fact]
    public async Task More_commands_than_may_wait_are_refused_at_once()
    {
        await using var own = await RedisServer.StartOwnAsync();
        await using var other = new RedisConnection(own.Options());
        await using var redis = new RedisConnection(own.Options() with { MaximumInFlight = 10 });
        var state = new RedisState(redis);
        await state.PingAsync(End);
        await other.ExecuteAsync(["CLIENT", "PAUSE", "500", "ALL"], End);
        var waiting = Enumerable.Range(0, 10).Select(i => state.IncrementAsync($"c{i}", Minute, End).AsTask()).ToArray();
        var refused = await Assert.ThrowsAsync<StreamsUnavailableException>(async () => await state.PingAsync(End));
        Assert.Contains("too many", refused.Message, StringComparison.Ordinal);
        Assert.All(await Task.WhenAll(waiting), count => Assert.Equal(1, count));
        await state.PingAsync(End);
    }

    [Fact]
    public async Task Huge_texts_pass_and_small_ones_pass_beside_them()
    {
        await using var redis = new RedisConnection(server.Options() with { CommandTimeout = TimeSpan.FromSeconds(20) });
        var state = new RedisState(redis);
        var huge = string.Create(24 * 1024 * 1024, 0, static (text, _) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = (char)('ä' + (i % 50));
            }
        });
        var small = Enumerable.Range(0, 100).Select(i => state.IncrementAsync("n", Minute, End).AsTask()).ToArray();
        await state.SetAsync("huge", huge, Minute, End);
        var reading = state.GetAsync("huge", End);
        Assert.Equal(101, await state.IncrementAsync("n", Minute, End));
        Assert.Equal(huge, await reading);
        await Task.WhenAll(small);
    }

    [Fact]
    public async Task A_server_that_sleeps_fails_its_callers_in_time_and_works_again_afterwards()
    {
        await using var own = await RedisServer.StartOwnAsync();
        await using var redis = new RedisConnection(own.Options() with { CommandTimeout = TimeSpan.FromMilliseconds(300) });
        await using var other = new RedisConnection(own.Options());
        var state = new RedisState(redis);
        await state.PingAsync(End);
        var sleeping = other.ExecuteAsync(["DEBUG", "SLEEP", "1.5"], End);
        await Until(async () => !await Answers(state));
        var took = Stopwatch.StartNew();
        while (took.ElapsedMilliseconds < 700)
        {
            var one = Stopwatch.StartNew();
            Assert.False(await Answers(state));
            Assert.InRange(one.ElapsedMilliseconds, 0, 1_500);
            await Task.Yield();
        }

        await sleeping;
        await Until(() => Answers(state));
        Assert.True(redis.Figures.Timeouts > 0);
        Assert.Equal(1, await state.IncrementAsync("after", Minute, End));
    }

    [Fact]
    public async Task A_paused_server_never_makes_an_answer_of_one_caller_that_of_another()
    {
        await using var own = await RedisServer.StartOwnAsync();
        await using var redis = new RedisConnection(own.Options() with { CommandTimeout = TimeSpan.FromMilliseconds(300) });
        await using var other = new RedisConnection(own.Options());
        var state = new RedisState(redis);
        for (var i = 0; i < 50; i++)
        {
            await state.SetAsync($"k{i}", $"v{i}", Minute, End);
        }

        await other.ExecuteAsync(["CLIENT", "PAUSE", "900", "ALL"], End);
        var answers = 0;
        var took = Stopwatch.StartNew();
        while (took.ElapsedMilliseconds < 1_500 || answers < 50)
        {
            await Parallel.ForAsync(0, 50, End, async (i, ct) =>
            {
                try
                {
                    Assert.Equal($"v{i}", await state.GetAsync($"k{i}", ct));
                    Interlocked.Increment(ref answers);
                }
                catch (StreamsUnavailableException)
                {
                    // Refusing is right while the server does not answer.
                }
            });
        }
    }

    [Fact]
    public async Task A_refused_command_harms_nobody_else()
    {
        await using var redis = new RedisConnection(server.Options());
        var state = new RedisState(redis);
        await redis.ExecuteAsync(["XADD", "stream", "*", "a", "b"], End);
        var wrong = await Assert.ThrowsAsync<StreamsUnavailableException>(async () => await state.GetAsync("stream", End));
        Assert.Equal("WRONGTYPE", Assert.IsType<RedisErrorException>(wrong.InnerException).Code);
        Assert.Equal(RespKind.Error, (await redis.ExecuteAsync(["NONSENSE", "secret"], End)).Kind);
        Assert.Equal(1, await state.IncrementAsync("n", Minute, End));
        Assert.Equal(1, redis.Figures.Connections);
    }

    [Fact]
    public async Task Redis_tells_the_time()
    {
        await using var redis = new RedisConnection(server.Options());
        var time = await new RedisState(redis).TimeAsync(End);
        Assert.InRange(time, DateTimeOffset.UtcNow.AddSeconds(-5), DateTimeOffset.UtcNow.AddSeconds(5));
    }

    [Fact]
    public async Task A_counter_that_was_left_without_an_end_gets_one()
    {
        await using var redis = new RedisConnection(server.Options());
        await redis.ExecuteAsync(["SET", "rl", "7"], End);
        Assert.Equal(8, await new RedisState(redis).IncrementAsync("rl", Minute, End));
        Assert.InRange((await redis.ExecuteAsync(["PTTL", "rl"], End)).Integer, 1, 60_000);
    }

    public void Dispose() => _end.Dispose();

    private static async Task<bool> Answers(RedisState state)
    {
        try
        {
            await state.PingAsync(default);
            return true;
        }
        catch (StreamsUnavailableException)
        {
            return false;
        }
    }

    private async Task Until(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(5, End);
        }
    }
}
