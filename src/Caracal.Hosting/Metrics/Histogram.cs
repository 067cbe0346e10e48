namespace Caracal.Hosting.Metrics;

/// <summary>How often a value was at most each of some bounds.</summary>
/// <param name="bounds">Upper bounds, rising; beyond the last is counted too.</param>
public sealed class Histogram(double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private long _microseconds;

    /// <summary>The upper bounds.</summary>
    public IReadOnlyList<double> Bounds => bounds;

    /// <summary>The sum of all values.</summary>
    public double Sum => Interlocked.Read(ref _microseconds) / 1e6;

    /// <summary>Counts one value in seconds.</summary>
    public void Observe(TimeSpan value)
    {
        var at = Array.BinarySearch(bounds, value.TotalSeconds);
        Interlocked.Increment(ref _counts[at < 0 ? ~at : at]);
        Interlocked.Add(ref _microseconds, (long)value.TotalMicroseconds);
    }

    /// <summary>How many values were at most the bound of that place; the place after the last bound is all of them.</summary>
    public long AtMost(int place)
    {
        var sum = 0L;
        for (var i = 0; i <= place; i++) sum += Interlocked.Read(ref _counts[i]);
        return sum;
    }
}
