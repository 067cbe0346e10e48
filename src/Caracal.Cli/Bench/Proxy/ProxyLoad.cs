using System.Collections.Concurrent;
using System.Diagnostics;

namespace Caracal.Cli.Bench.Proxy;

/// <summary>What one proxy did under load.</summary>
internal sealed record ProxyFigures(
    string Name, long Calls, long Errors, double CallsPerSecond, double P50Milliseconds, double P99Milliseconds, double CpuMicrosecondsPerCall, double ResidentMegabytes)
{
    /// <summary>Requests per second of the proxy's own CPU time.</summary>
    public double CallsPerCpuSecond => CpuMicrosecondsPerCall > 0 ? 1_000_000 / CpuMicrosecondsPerCall : 0;
}

/// <summary>N callers, each asking again as soon as it has its answer.</summary>
internal static class ProxyLoad
{
    public static async Task<ProxyFigures> RunAsync(string name, IMeasuredProxy proxy, BenchPlan plan, CancellationToken stop)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null };
        using var http = new HttpMessageInvoker(handler);
        var url = new Uri(proxy.Url + "/reports?page=1");
        var run = new Run();
        var callers = Enumerable.Range(0, plan.Callers).Select(_ => Task.Run(() => CallAsync(http, url, run, stop), stop)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(plan.WarmupSeconds), stop);
        var before = proxy.Use();
        var clock = Stopwatch.StartNew();
        run.Measuring = true;
        await Task.Delay(TimeSpan.FromSeconds(plan.Seconds), stop);
        run.Measuring = false;
        var elapsed = clock.Elapsed;
        var after = proxy.Use();
        run.Stopping = true;
        await Task.WhenAll(callers);
        var sorted = run.Latencies.Order().ToArray();
        var cpu = after.CpuMicroseconds - before.CpuMicroseconds;
        return new ProxyFigures(
            name, sorted.Length, Interlocked.Read(ref run.Errors), sorted.Length / elapsed.TotalSeconds,
            GovernedBench.Percentile(sorted, 0.50), GovernedBench.Percentile(sorted, 0.99),
            sorted.Length == 0 ? 0 : cpu / sorted.Length, after.ResidentMegabytes);
    }

    private static async Task CallAsync(HttpMessageInvoker http, Uri url, Run run, CancellationToken stop)
    {
        while (!run.Stopping && !stop.IsCancellationRequested)
        {
            var start = Stopwatch.GetTimestamp();
            var counted = run.Measuring;
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, url);
                using var answer = await http.SendAsync(request, stop);
                var body = await answer.Content.ReadAsByteArrayAsync(stop);
                if (!answer.IsSuccessStatusCode || body.Length == 0) throw new HttpRequestException($"status {(int)answer.StatusCode}");
                if (counted) run.Latencies.Enqueue(Stopwatch.GetElapsedTime(start).Ticks);
            }
            catch (HttpRequestException)
            {
                if (run.Stopping) return;
                Interlocked.Increment(ref run.Errors);
                await Task.Delay(10, CancellationToken.None); // A proxy that is gone must not be hammered.
            }
        }
    }

    private sealed class Run
    {
        public long Errors;
        public volatile bool Measuring;
        public volatile bool Stopping;

        public ConcurrentQueue<long> Latencies { get; } = new();
    }
}
