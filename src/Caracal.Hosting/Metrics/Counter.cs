namespace Caracal.Hosting.Metrics;

/// <summary>A number that only rises while the process lives.</summary>
public sealed class Counter
{
    private long _value;

    public long Value => Interlocked.Read(ref _value);

    public void Add(long amount = 1) => Interlocked.Add(ref _value, amount);
}
