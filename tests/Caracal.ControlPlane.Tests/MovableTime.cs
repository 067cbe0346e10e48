namespace Caracal.ControlPlane.Tests;

/// <summary>The real time, which a test moves on.</summary>
internal sealed class MovableTime : TimeProvider
{
    private TimeSpan _ahead;

    /// <summary>No wait on this clock ends by itself: a service's jobs run when the test runs them, and not beside it.</summary>
    public bool TimersStand { get; init; }

    public void Advance(TimeSpan by) => _ahead += by;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _ahead;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        TimersStand
            ? base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan)
            : base.CreateTimer(callback, state, dueTime, period);
}
