using Caracal.TestKit;

namespace Caracal.Storage.Tests;

public sealed class DatabaseClockTests
{
    [Fact]
    public async Task A_measurement_that_was_long_on_its_way_tells_nothing()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        var time = new StallingTime { Stall = TimeSpan.FromSeconds(6) };
        var clock = new DatabaseClock(store.Database, time);
        await clock.MeasureAsync(TestContext.Current.CancellationToken);
        Assert.False(clock.IsUsable);

        time.Stall = TimeSpan.Zero;
        await clock.MeasureAsync(TestContext.Current.CancellationToken);
        Assert.True(clock.IsUsable);
        Assert.InRange((clock.Now - DateTimeOffset.UtcNow).Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(1));

        var offset = clock.Now - time.GetUtcNow();
        time.Stall = TimeSpan.FromSeconds(40);
        await clock.MeasureAsync(TestContext.Current.CancellationToken);
        Assert.True(clock.IsUsable);
        Assert.InRange(clock.Now - time.GetUtcNow() - offset, TimeSpan.FromSeconds(-1), TimeSpan.FromSeconds(1));
    }

    /// <summary>Every look at it finds that something took long since the last one.</summary>
    private sealed class StallingTime : TimeProvider
    {
        private TimeSpan _stalled;

        public TimeSpan Stall { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _stalled;

        public override long GetTimestamp()
        {
            _stalled += Stall;
            return System.GetElapsedTime(0).Ticks + _stalled.Ticks;
        }
    }
}
