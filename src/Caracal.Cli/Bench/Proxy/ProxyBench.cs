using System.Globalization;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Gateway.Forwarding;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Caracal.Cli.Bench.Proxy;

/// <summary>What a proxied call costs: nginx, our forwarder with governance off, and the whole governed call, side by side.</summary>
internal static class ProxyBench
{
    public static async Task<int> RunAsync(BenchPlan plan, CommandContext context)
    {
        ProxyFigures nginx, forwarder;
        await using (var upstream = await LoopbackUpstream.StartAsync(remember: false, context.Stop))
        {
            var target = new Uri(upstream.Url);
            await using var plain = await NginxProxy.StartAsync(target, context.Stop);
            await using var ours = await ForwarderProcess.StartAsync(target, context.Stop);
            context.Terminal.Step($"nginx, then our forwarder: {plan.Callers} callers, {plan.WarmupSeconds} s warm-up, {plan.Seconds} s measured each");
            nginx = await ProxyLoad.RunAsync("nginx", plain, plan, context.Stop);
            forwarder = await ProxyLoad.RunAsync("forwarder", ours, plan, context.Stop);
        }

        var governed = await GovernedBench.RunAsync(plan, context.Terminal, context.Stop);
        if (context.Json) context.Terminal.Line(Json(nginx, forwarder, governed));
        else Print(context.Terminal, nginx, forwarder, governed);
        return nginx.Errors + forwarder.Errors + governed.Errors == 0 ? 0 : 1;
    }

    /// <summary>The measured process: forwards until it is told to stop.</summary>
    public static async Task<int> ServeAsync(CommandContext context)
    {
        var upstream = context.Arguments.Value("upstream") ?? throw new CommandFailure("usage: caracal bench forwarder --upstream http://127.0.0.1:PORT");
        using var logging = new JsonLineLogging(System.Console.Error, LogLevel.Warning, BuildInfo.Current.Version, "bench");
        await using var forwarder = await UngovernedForwarder.StartAsync(new Uri(upstream), 0, logging, context.Stop);
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
