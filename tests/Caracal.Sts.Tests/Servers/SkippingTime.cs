namespace Caracal.Sts.Tests.Servers;

/// <summary>The system's time, but ages can be made to pass; what the clock says stays true.</summary>
internal sealed class SkippingTime : TimeProvider
{
    private long _skipped;

    public void Skip(TimeSpan time) => Interlocked.Add(ref _skipped, (long)(time.TotalSeconds * TimestampFrequency));

    public override long GetTimestamp() => System.GetTimestamp() + Interlocked.Read(ref _skipped);
}
