namespace Caracal.Verifier.Tests.Support;

/// <summary>A clock that a test moves: wall and monotonic time together.</summary>
internal sealed class MovedTime : TimeProvider
{
    private long _offset;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _offset);

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_790_000_000).AddTicks(Interlocked.Read(ref _offset));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _offset, by.Ticks);
}
