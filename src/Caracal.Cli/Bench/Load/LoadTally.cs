using System.Diagnostics;

namespace Caracal.Cli.Bench.Load;

/// <summary>What callers met. Only the loop writes; read it when the callers have stopped.</summary>
internal sealed class LoadTally(AnswerRecord? record = null)
{
    private readonly List<long> latencies = [];
    private volatile bool measuring;

    /// <summary>Calls that begin while this holds are counted.</summary>
    public bool Measuring
    {
        get => measuring;
        set => measuring = value;
    }

    public long Errors { get; private set; }

    /// <summary>The first refusal or fault, for people.</summary>
    public string? FirstError { get; private set; }

    public int Calls => latencies.Count;

    public void Answered(string requestId) => record?.Add(requestId);

    public void Finished(long start) => latencies.Add(Stopwatch.GetElapsedTime(start).Ticks);

    public void Failed(string reason)
    {
        Errors++;
        FirstError ??= reason;
    }

    /// <summary>Latencies below which the shares given of all calls lie, in milliseconds; 0 without calls.</summary>
    public (double P50, double P99) Percentiles()
    {
        var sorted = latencies.Order().ToArray();
        return (GovernedBench.Percentile(sorted, 0.50), GovernedBench.Percentile(sorted, 0.99));
    }
}
