namespace Caracal.Coordinator.Tests.Support;

/// <summary>The system clock, moved on by hand; timers run in real time.</summary>
internal sealed class TestTime : TimeProvider
{
    private long _offsetTicks;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Volatile.Read(ref _offsetTicks));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _offsetTicks, by.Ticks);
}
