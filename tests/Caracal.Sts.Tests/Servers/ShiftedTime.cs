namespace Caracal.Sts.Tests.Servers;

/// <summary>A process clock that is off by a fixed time.</summary>
internal sealed class ShiftedTime(TimeSpan by) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
}
