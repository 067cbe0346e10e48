using System.Diagnostics;
using Caracal.Cli.Bench.Rotation;

namespace Caracal.Cli.Tests.Bench;

/// <summary>How far a ratio strays by itself is told of calls that were not chosen.</summary>
public sealed class NullRatiosTests
{
    private static readonly long Millisecond = Stopwatch.Frequency / 1000;

    [Fact]
    public void Calls_that_are_all_alike_stray_nowhere()
    {
        var rows = NullRatios.Of(Calls(2_600, _ => Millisecond));
        Assert.Equal([260, 500, 1000], rows.Select(row => row.Calls));
        Assert.All(rows, row => Assert.Equal((1, 1, 0), (row.Quantile(0.5), row.Quantile(1), row.Over(2))));
    }

    [Fact]
    public void A_slow_moment_is_once_before_and_once_during()
    {
        var row = NullRatios.Of(Calls(2_600, i => i is >= 1300 and < 1400 ? 5 * Millisecond : Millisecond)).Single(row => row.Calls == 260);
        Assert.Equal(5, row.Quantile(1), 3);
        Assert.Equal(0.2, row.Quantile(0), 3);
        Assert.InRange(row.Over(2), 0.01, 0.5);
    }

    [Fact]
    public void Calls_that_failed_have_no_latency_and_too_few_have_no_ratio() =>
        Assert.Empty(NullRatios.Of(Calls(600, _ => Millisecond).Select((call, i) => i % 2 == 0 ? call with { Failure = "no" } : call)));

    private static IEnumerable<LoadedCall> Calls(int count, Func<int, long> ticks) => Enumerable.Range(0, count).Select(i => new LoadedCall(i * Millisecond, ticks(i)));
}
