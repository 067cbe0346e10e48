using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Caracal.Cli.Bench.Load;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench;

/// <summary>One run: set up, warm up, measure.</summary>
internal sealed class GovernedBench(LoadLoop loop, AgentApplication application, WireClient client, AnswerRecord record)
{
    private const int AuthoritiesPerApplication = 16;

    public static async Task<BenchResult> RunAsync(BenchPlan plan, Terminal terminal, CancellationToken stop)
    {
        using var loop = new LoadLoop();
        await using IMeasuredStack stack = plan.Separate ? await FleetStack.StartAsync(stop) : await BenchStack.StartAsync(plan.Home, stop);
        terminal.Step($"stack pid {string.Join(' ', stack.Processes.Select(process => process.Pid))}, {plan.Callers} callers, {plan.WarmupSeconds} s warm-up, {plan.Seconds} s measured");
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        using var answers = new AnswerRecord(plan.RecordFile);
        var zone = await GovernedZone.CreateAsync(
            wire, stack.AdminToken, new ZoneBlueprint { Name = "bench", UpstreamUrl = loop.Upstream.ToString(), ApiKey = "bench-upstream-key" }, stop);
        var bench = new GovernedBench(loop, new AgentApplication(wire, zone), wire, answers);
        return await bench.MeasureAsync(plan, stack, stop);
    }

    private async Task<BenchResult> MeasureAsync(BenchPlan plan, IMeasuredStack stack, CancellationToken stop)
    {
        var processes = stack.Processes;
        var tally = new LoadTally(record);
        var callers = loop.Start(await ScriptsAsync(plan, stop), tally);
        await Task.Delay(TimeSpan.FromSeconds(plan.WarmupSeconds), stop);
        var allocated = await AllocatedAsync(stack.MetricsToken, stop);
        var before = processes.Select(process => ProcStat.Read(process.Pid)).ToList();
        var clock = Stopwatch.StartNew();
        tally.Measuring = true;
        await Task.Delay(TimeSpan.FromSeconds(plan.Seconds), stop);
        tally.Measuring = false;
        var elapsed = clock.Elapsed;
        var after = processes.Select(process => ProcStat.Read(process.Pid)).ToList();
        allocated = await AllocatedAsync(stack.MetricsToken, stop) - allocated;
        await LoadCaller.StopAllAsync(callers, stop);
        var use = processes.Select((process, i) => new ProcessUse(
            process.Name,
            before[i] is { } from && after[i] is { } to ? to.CpuMicroseconds - from.CpuMicroseconds : 0,
            after[i]?.ResidentMegabytes ?? 0)).ToList();
        return Summarise(plan, tally, elapsed, use, allocated);
    }

    private async Task<IReadOnlyList<CallScript>> ScriptsAsync(BenchPlan plan, CancellationToken stop)
    {
        var authorities = new List<AgentAuthority>();
        for (var i = 0; i < Math.Min(plan.Callers, AuthoritiesPerApplication); i++)
        {
            authorities.Add(await application.ProvisionAsync(application.Zone.Blueprint.Scopes, depth: 1, stop));
        }

        var scripts = new List<CallScript>();
        for (var i = 0; i < plan.Callers; i++)
        {
            scripts.Add(await GovernedScript.CreateAsync(application, authorities[i % authorities.Count], client.Endpoints, plan.MintsOnly, stop));
        }

        return scripts;
    }

    // What the process with the STS says it has allocated since it started.
    private async Task<double> AllocatedAsync(string token, CancellationToken stop)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var text = await http.GetStringAsync(new Uri(client.Endpoints.Sts + "/metrics"), stop);
        var line = text.Split('\n').First(l => l.StartsWith("caracal_sts_allocated_bytes_total ", StringComparison.Ordinal));
        return double.Parse(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture);
    }

    private static BenchResult Summarise(BenchPlan plan, LoadTally tally, TimeSpan elapsed, IReadOnlyList<ProcessUse> use, double allocated)
    {
        var (p50, p99) = tally.Percentiles();
        return new BenchResult
        {
            Calls = tally.Calls,
            CallsPerSecond = tally.Calls / elapsed.TotalSeconds,
            P50Milliseconds = p50,
            P99Milliseconds = p99,
            Errors = tally.Errors,
            CpuMicrosecondsPerCall = tally.Calls == 0 ? 0 : use.Sum(process => process.CpuMicroseconds) / tally.Calls,
            ResidentMegabytes = use.Max(process => process.ResidentMegabytes),
            Processes = use,
            AllocatedBytesPerCall = tally.Calls == 0 ? 0 : allocated / tally.Calls,
            MintsOnly = plan.MintsOnly,
            FirstError = tally.FirstError,
        };
    }

    internal static double Percentile(long[] sortedTicks, double share) =>
        sortedTicks.Length == 0 ? 0 : sortedTicks[(int)Math.Min(sortedTicks.Length - 1, share * sortedTicks.Length)] / (double)TimeSpan.TicksPerMillisecond;
}
