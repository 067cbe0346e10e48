using System.Diagnostics;
using Caracal.Cli.Bench.Load;

namespace Caracal.Cli.Bench.Proxy;

/// <summary>What one proxy did under load.</summary>
internal sealed record ProxyFigures(
    string Name, long Calls, long Errors, double CallsPerSecond, double P50Milliseconds, double P99Milliseconds, double CpuMicrosecondsPerCall, double ResidentMegabytes)
{
    /// <summary>Requests per second of the proxy's own CPU time.</summary>
    public double CallsPerCpuSecond => CpuMicrosecondsPerCall > 0 ? 1_000_000 / CpuMicrosecondsPerCall : 0;
}

/// <summary>N callers at one proxy, in turns: each time they come anew, and go when their calls are answered.</summary>
internal sealed class ProxyLoad(string name, IMeasuredProxy proxy, LoadLoop loop, int callers)
{
    private readonly LoadTally tally = new();
    private ProxyUse? before;
    private TimeSpan measured;

    /// <summary>Errors count, calls do not.</summary>
    public Task WarmUpAsync(TimeSpan time, CancellationToken stop) => TurnAsync(time, stop);

    public async Task MeasureAsync(TimeSpan time, CancellationToken stop)
    {
        before ??= proxy.Use();
        tally.Measuring = true;
        var clock = Stopwatch.StartNew();
        await TurnAsync(time, stop);
        measured += clock.Elapsed;
        tally.Measuring = false;
    }

    /// <summary>Of all turns together. CPU is everything since the first, also what was done between them.</summary>
    public ProxyFigures Figures()
    {
        var now = proxy.Use();
        var (p50, p99) = tally.Percentiles();
        return new ProxyFigures(
            name, tally.Calls, tally.Errors, tally.Calls / measured.TotalSeconds, p50, p99,
            tally.Calls == 0 || before is not { } then ? 0 : (now.CpuMicroseconds - then.CpuMicroseconds) / tally.Calls, now.ResidentMegabytes);
    }

    private async Task TurnAsync(TimeSpan time, CancellationToken stop)
    {
        var running = loop.Start(Enumerable.Repeat(new PlainScript(new Uri(proxy.Url)), callers), tally);
        await Task.Delay(time, stop);
        await LoadCaller.StopAllAsync(running, stop);
    }
}
