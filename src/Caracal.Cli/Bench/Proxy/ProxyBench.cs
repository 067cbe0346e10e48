using System.Globalization;
using Caracal.Cli.Bench.Load;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Processes;
using Caracal.Gateway.Forwarding;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Caracal.Cli.Bench.Proxy;

/// <summary>What a proxied call costs: nginx, our forwarder with governance off, and the whole governed call, side by side.</summary>
internal static class ProxyBench
{
    private const int TurnSeconds = 2;

    public static async Task<int> RunAsync(BenchPlan plan, CommandContext context)
    {
        var (nginx, forwarder) = await CompareAsync(plan, context);
        var governed = await GovernedBench.RunAsync(plan, context.Terminal, context.Stop);
        if (context.Json) context.Terminal.Line(Json(nginx, forwarder, governed));
        else Print(context.Terminal, nginx, forwarder, governed);
        return nginx.Errors + forwarder.Errors + governed.Errors == 0 ? 0 : 1;
    }

    // In turns, so that both get the same minutes of a machine whose speed changes within one.
    private static async Task<(ProxyFigures Nginx, ProxyFigures Forwarder)> CompareAsync(BenchPlan plan, CommandContext context)
    {
        using var loop = new LoadLoop();
        await using var plain = await NginxProxy.StartAsync(loop.Upstream, context.Stop);
        await using var ours = await ForwarderProcess.StartAsync(loop.Upstream, context.Stop);
        var turns = Math.Max(1, plan.Seconds / TurnSeconds);
        context.Terminal.Step($"nginx and our forwarder: {plan.Callers} callers, {plan.WarmupSeconds} s warm-up each, then {turns} turns, {plan.Seconds} s measured each");
        var nginx = new ProxyLoad("nginx", plain, loop, plan.Callers);
        var forwarder = new ProxyLoad("forwarder", ours, loop, plan.Callers);
        await nginx.WarmUpAsync(TimeSpan.FromSeconds(plan.WarmupSeconds), context.Stop);
        await forwarder.WarmUpAsync(TimeSpan.FromSeconds(plan.WarmupSeconds), context.Stop);
        for (var turn = 0; turn < turns; turn++)
        {
            await nginx.MeasureAsync(TimeSpan.FromSeconds(plan.Seconds) / turns, context.Stop);
            await forwarder.MeasureAsync(TimeSpan.FromSeconds(plan.Seconds) / turns, context.Stop);
        }

        return (nginx.Figures(), forwarder.Figures());
    }

    /// <summary>The measured process: forwards until it is told to stop.</summary>
    public static async Task<int> ServeAsync(CommandContext context)
    {
        var upstream = context.Arguments.Value("upstream") ?? throw new CommandFailure("usage: caracal bench forwarder --upstream http://127.0.0.1:PORT");
        using var logging = new JsonLineLogging(System.Console.Error, LogLevel.Warning, BuildInfo.Current.Version, "bench");
        await using var forwarder = await UngovernedForwarder.StartAsync(new Uri(upstream), 0, logging, context.Stop);
        BatchScheduling.EnterSocketThreads(); // as in every process of ours that serves
        context.Terminal.Line(forwarder.Address);
        await Task.Delay(Timeout.InfiniteTimeSpan, context.Stop).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return 0;
    }

    private static double Ratio(ProxyFigures nginx, ProxyFigures forwarder) =>
        nginx.CallsPerCpuSecond > 0 ? forwarder.CallsPerCpuSecond / nginx.CallsPerCpuSecond : 0;

    private static string Json(ProxyFigures nginx, ProxyFigures forwarder, BenchResult governed) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"forwarder_vs_nginx":{{Ratio(nginx, forwarder):0.000}},"governed_cpu_us_per_call":{{governed.CpuMicrosecondsPerCall:0.0}},"governed_p99_ms":{{governed.P99Milliseconds:0.000}},"nginx":{{Json(nginx)}},"forwarder":{{Json(forwarder)}},"governed":{{governed.ToJsonLine()}}}""");

    private static string Json(ProxyFigures figures) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"calls_per_second":{{figures.CallsPerSecond:0.0}},"p50_ms":{{figures.P50Milliseconds:0.000}},"p99_ms":{{figures.P99Milliseconds:0.000}},"errors":{{figures.Errors}},"cpu_us_per_call":{{figures.CpuMicrosecondsPerCall:0.0}},"rss_mb":{{figures.ResidentMegabytes:0.0}}}""");

    private static void Print(Terminal terminal, ProxyFigures nginx, ProxyFigures forwarder, BenchResult governed)
    {
        terminal.Table(
            ["proxy", "calls/s", "calls/CPU s", "p50 ms", "p99 ms", "errors", "cpu us/call", "rss MB"],
            [
                Row(nginx),
                Row(forwarder),
                Row(new ProxyFigures(
                    "governed", governed.Calls, governed.Errors, governed.CallsPerSecond, governed.P50Milliseconds, governed.P99Milliseconds,
                    governed.CpuMicrosecondsPerCall, governed.ResidentMegabytes)),
            ]);
        terminal.Line($"forwarder against nginx, calls per CPU second: {Number(Ratio(nginx, forwarder), "0.00")}");
        if (governed.FirstError is not null) terminal.Error($"first error: {governed.FirstError}");
    }

    private static string[] Row(ProxyFigures figures) =>
    [
        figures.Name, Number(figures.CallsPerSecond, "0"), Number(figures.CallsPerCpuSecond, "0"), Number(figures.P50Milliseconds, "0.00"),
        Number(figures.P99Milliseconds, "0.00"), $"{figures.Errors}", Number(figures.CpuMicrosecondsPerCall, "0.0"), Number(figures.ResidentMegabytes, "0"),
    ];

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
