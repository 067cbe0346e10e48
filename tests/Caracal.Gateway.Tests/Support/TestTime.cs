namespace Caracal.Gateway.Tests.Support;

/// <summary>The system's clock, moved forward by hand: real timers keep running.</summary>
internal sealed class TestTime : TimeProvider
{
    private long _offset;

    /// <summary>How many times faster than the system's clock timers run.</summary>
    public int TimersRun { get; set; } = 1;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / TimersRun : dueTime, period);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _offset));

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => System.GetElapsedTime(0).Ticks + Interlocked.Read(ref _offset);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _offset, by.Ticks);
}
