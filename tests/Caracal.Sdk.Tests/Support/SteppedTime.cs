namespace Caracal.Sdk.Tests.Support;

/// <summary>A clock whose delays end at once and are remembered.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private readonly TaskCompletionSource _delayed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<TimeSpan> _delays = [];

    public IReadOnlyList<TimeSpan> Delays
    {
        get
        {
            lock (_delays) return [.. _delays];
        }
    }

    public Task Delayed => _delayed.Task;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_delays) _delays.Add(dueTime);
        _delayed.TrySetResult();
        return base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(1), period);
    }
}
