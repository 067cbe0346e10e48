using System.Diagnostics;
using Caracal.Streams.Redis;
using Caracal.Streams.State;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Streams.Tests.Redis;

[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;

/// <summary>Budgets of the way to Redis, wide enough for a busy machine; the figures are printed.</summary>
[Collection("alone")]
public sealed class RedisSpeedTests(RedisServer server, ITestOutputHelper output)
{
    [Theory]
    [InlineData(1, 2_000, 300)]
    [InlineData(64, 40_000, 5_000)]
    public async Task A_spent_mandate_costs_one_short_round_trip_and_little_garbage(int callers, int calls, int leastPerSecond)
    {
        await using var redis = new RedisConnection(server.Options());
        var state = new RedisState(redis);
        await SpendAsync(state, callers, calls / 4, "warm");
        var garbage = GC.GetTotalAllocatedBytes(precise: true);
        var took = Stopwatch.StartNew();
        await SpendAsync(state, callers, calls, "seen:jti");
        var perSecond = calls / took.Elapsed.TotalSeconds;
        var bytes = (GC.GetTotalAllocatedBytes(precise: true) - garbage) / (double)calls;
        output.WriteLine($"{callers} callers: {perSecond:F0} calls a second, {bytes:F0} bytes a call");
        Assert.True(perSecond >= leastPerSecond, $"{perSecond:F0} calls a second");
        Assert.InRange(bytes, 0, 600);
    }

    [Fact]
    public async Task A_batch_of_messages_goes_out_in_few_writes()
    {
        await using var redis = new RedisConnection(server.Options());
        var streams = new RedisStreams(redis);
        await streams.LengthAsync("t", default);
        var took = Stopwatch.StartNew();
        for (var batch = 0; batch < 20; batch++)
        {
            await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i => streams.AppendAsync(
                "t", [new("zone_id", "z1"), new("session_id", $"{i}"), new("_sig", new string('a', 64))], null, default)));
        }

        var perSecond = 20_000 / took.Elapsed.TotalSeconds;
        output.WriteLine($"{perSecond:F0} messages a second");
        Assert.Equal(20_000, await streams.LengthAsync("t", default));
        Assert.True(perSecond >= 3_000, $"{perSecond:F0} messages a second");
    }

    private static Task SpendAsync(RedisState state, int callers, int calls, string prefix) =>
        Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            // The keys are made beforehand, so that only our own garbage is counted.
            var keys = Enumerable.Range(0, calls / callers).Select(i => $"{prefix}:{caller}:{i}").ToArray();
            foreach (var key in keys)
            {
                Assert.True(await state.TryAddAsync(key, "request", TimeSpan.FromMinutes(1), default));
            }
        })));
}
