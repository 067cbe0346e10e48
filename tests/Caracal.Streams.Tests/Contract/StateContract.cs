using Caracal.Streams.State;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Streams.Tests.Contract;

/// <summary>What every shared state does, wherever it is kept.</summary>
public abstract class StateContract(Ports ports) : IAsyncDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(60);

    private readonly CancellationTokenSource _end = new(TimeSpan.FromSeconds(30));

    private ISharedState State => ports.State;

    private CancellationToken End => _end.Token;

    [Fact]
    [Trait("requirement", "R78")]
    public async Task A_mark_is_taken_once_by_any_number_of_callers_and_again_after_its_life()
    {
        var winners = 0;
        await Parallel.ForAsync(0, 1_000, End, async (_, ct) =>
        {
            if (await State.TryAddAsync("seen:jti:x", "r", Minute, ct))
            {
                Interlocked.Increment(ref winners);
            }
        });
        Assert.Equal(1, winners);
        Assert.True(await State.TryAddAsync("seen:jti:X", "r", Minute, End));
        Assert.True(await State.TryAddAsync("seen:jti:y", "r", Moment, End));
        Assert.False(await State.TryAddAsync("seen:jti:y", "r", Minute, End));
        await Until(async () => await State.TryAddAsync("seen:jti:y", "r", Minute, End));
        Assert.False(await State.TryAddAsync("seen:jti:y", "r", Minute, End));
    }

    [Fact]
    public async Task A_mark_without_a_life_is_not_kept_and_does_not_pass_one_that_is()
    {
        Assert.True(await State.TryAddAsync("k", "r", TimeSpan.FromTicks(-1), End));
        Assert.True(await State.TryAddAsync("k", "r", TimeSpan.Zero, End));
        Assert.True(await State.TryAddAsync("k", "r", Minute, End));
        Assert.False(await State.TryAddAsync("k", "r", TimeSpan.Zero, End));
    }

    [Fact]
    [Trait("requirement", "R40")]
    public async Task A_counter_misses_no_hit_and_starts_anew_after_its_window()
    {
        var counts = new long[500];
        await Parallel.ForAsync(0, counts.Length, End, async (i, ct) => counts[i] = await State.IncrementAsync("rl:a", Minute, ct));
        Array.Sort(counts);
        Assert.Equal(Enumerable.Range(1, 500).Select(i => (long)i), counts);
        Assert.Equal(1, await State.IncrementAsync("rl:b", Moment, End));
        await Until(async () => await State.IncrementAsync("rl:b", Moment, End) == 1);
        Assert.Equal("500", await State.GetAsync("rl:a", End));
        await State.DeleteAsync("rl:a", End);
        Assert.Null(await State.GetAsync("rl:a", End));
        Assert.Equal(1, await State.IncrementAsync("rl:a", Minute, End));
    }

    [Fact]
    public async Task Later_hits_do_not_prolong_the_window_of_a_counter()
    {
        await State.IncrementAsync("rl", TimeSpan.FromMilliseconds(200), End);
        var highest = 1L;
        await Until(async () =>
        {
            var count = await State.IncrementAsync("rl", Minute, End);
            highest = Math.Max(highest, count);
            return count == 1;
        });
        Assert.True(highest > 1);
    }

    [Fact]
    public async Task A_text_is_there_until_it_ends_is_deleted_or_replaced()
    {
        Assert.Null(await State.GetAsync("k", End));
        await State.SetAsync("k", "one", Minute, End);
        await State.SetAsync("k", "", Minute, End);
        Assert.Equal("", await State.GetAsync("k", End));
        await State.DeleteAsync("k", End);
        await State.DeleteAsync("k", End);
        Assert.Null(await State.GetAsync("k", End));
        await State.SetAsync("k", "two", Moment, End);
        await Until(async () => await State.GetAsync("k", End) is null);
        await State.SetAsync("k", "three", Minute, End);
        await State.SetAsync("k", "never", TimeSpan.Zero, End);
        Assert.Null(await State.GetAsync("k", End));
    }

    [Fact]
    public async Task Of_many_who_take_a_text_one_gets_it()
    {
        await State.SetAsync("state", "secret", Minute, End);
        var taken = 0;
        await Parallel.ForAsync(0, 100, End, async (_, ct) =>
        {
            if (await State.TakeAsync("state", ct) == "secret")
            {
                Interlocked.Increment(ref taken);
            }
        });
        Assert.Equal(1, taken);
        Assert.Null(await State.GetAsync("state", End));
    }

    [Theory]
    [InlineData("\0\r\n$5\r\nhello\r\n")]
    [InlineData("zürich 日本 😀 \u0007")]
    [InlineData(" ")]
    public async Task Keys_and_texts_keep_every_byte(string text)
    {
        await State.SetAsync(text, text, Minute, End);
        Assert.Equal(text, await State.GetAsync(text, End));
        Assert.Equal(text, await State.TakeAsync(text, End));
    }

    [Fact]
    public async Task A_lease_has_one_owner_who_alone_prolongs_and_returns_it()
    {
        var leases = (ISharedLeases)State;
        var winners = 0;
        await Parallel.ForAsync(0, 100, End, async (i, ct) =>
        {
            if (await leases.TryLeaseAsync("lock", $"o{i}", Minute, ct))
            {
                Interlocked.Increment(ref winners);
            }
        });
        Assert.Equal(1, winners);
        await leases.ReleaseLeaseAsync("lock", "nobody", End);
        Assert.False(await leases.RenewLeaseAsync("lock", "nobody", Minute, End));
        Assert.False(await leases.TryLeaseAsync("lock", "b", Minute, End));
        Assert.True(await leases.TryLeaseAsync("other", "a", Moment, End));
        Assert.True(await leases.RenewLeaseAsync("other", "a", Minute, End));
        Assert.False(await leases.TryLeaseAsync("other", "b", Minute, End));
        await leases.ReleaseLeaseAsync("other", "a", End);
        Assert.True(await leases.TryLeaseAsync("other", "b", Moment, End));
        await Until(async () => await leases.TryLeaseAsync("other", "c", Minute, End));
        Assert.False(await leases.RenewLeaseAsync("other", "b", Minute, End));
    }

    [Fact]
    public async Task A_bucket_gives_what_it_holds_to_all_who_ask_and_fills_up_again()
    {
        var buckets = (ISharedBuckets)State;
        var taken = 0;
        await Parallel.ForAsync(0, 50, End, async (_, ct) =>
        {
            if (await buckets.TakeTokenAsync("bucket", 7, Minute * 60, ct))
            {
                Interlocked.Increment(ref taken);
            }
        });
        Assert.Equal(7, taken);
        Assert.True(await buckets.TakeTokenAsync("another", 7, Minute * 60, End));
        Assert.True(await buckets.TakeTokenAsync("short", 1, Moment, End));
        await Until(async () => await buckets.TakeTokenAsync("short", 1, Moment, End));
    }

    [Fact]
    public async Task A_state_that_works_answers()
    {
        await State.PingAsync(End);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await ports.DisposeAsync();
        _end.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task Until(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(5, End);
        }
    }
}

public sealed class InProcessStateTests() : StateContract(Ports.InProcess());

public sealed class RedisStateTests(RedisServer server) : StateContract(Ports.OnRedis(server));
