using Caracal.Streams.State;

namespace Caracal.Streams.Tests.State;

public sealed class InProcessStateTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task A_clock_that_leaps_and_comes_back_lets_no_mark_pass_early(int hours)
    {
        var clock = new LeapingClock();
        using var state = new InProcessState(clock);
        Assert.True(await AddAsync("spent"));

        clock.Ahead = TimeSpan.FromHours(hours);
        for (var i = 0; i < 2000; i++) Assert.True(await AddAsync($"meanwhile {i}")); // the arrays are rebuilt
        Assert.False(await AddAsync("spent"));

        clock.Ahead = TimeSpan.Zero;
        Assert.False(await AddAsync("spent"));
        Assert.Equal(hours < 0, await AddAsync("meanwhile 0")); // began and ended in an hour that is over

        ValueTask<bool> AddAsync(string key) => state.TryAddAsync(key, "1", TimeSpan.FromHours(1), TestContext.Current.CancellationToken);
    }

    private sealed class LeapingClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
