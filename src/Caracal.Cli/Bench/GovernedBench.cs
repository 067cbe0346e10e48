using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench;

/// <summary>One run: set up, warm up, measure.</summary>
internal sealed class GovernedBench
{
    private const int AuthoritiesPerApplication = 16;

    private readonly ConcurrentQueue<long> latencies = new();
    private readonly AgentApplication application;
    private readonly WireClient client;
    private readonly AnswerRecord record;
    private long errors;
    private string? firstError;
    private volatile bool measuring;
    private volatile bool stopping;

    private GovernedBench(AgentApplication application, WireClient client, AnswerRecord record)
    {
        this.application = application;
        this.client = client;
        this.record = record;
    }

    public static async Task<BenchResult> RunAsync(BenchPlan plan, Terminal terminal, CancellationToken stop)
    {
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, stop);
        await using IMeasuredStack stack = plan.Separate ? await FleetStack.StartAsync(stop) : await BenchStack.StartAsync(plan.Home, stop);
        terminal.Step($"stack pid {string.Join(' ', stack.Processes.Select(process => process.Pid))}, {plan.Callers} callers, {plan.WarmupSeconds} s warm-up, {plan.Seconds} s measured");
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        using var answers = new AnswerRecord(plan.RecordFile);
        var zone = await GovernedZone.CreateAsync(
            wire, stack.AdminToken, new ZoneBlueprint { Name = "bench", UpstreamUrl = upstream.Url, ApiKey = "bench-upstream-key" }, stop);
        var bench = new GovernedBench(new AgentApplication(wire, zone), wire, answers);
        return await bench.MeasureAsync(plan, stack.Processes, stack.MetricsToken, stop);
    }

    private async Task<BenchResult> MeasureAsync(BenchPlan plan, IReadOnlyList<(string Name, int Pid)> processes, string metricsToken, CancellationToken stop)
    {
        var authorities = new List<AgentAuthority>();
        for (var i = 0; i < Math.Min(plan.Callers, AuthoritiesPerApplication); i++)
        {
            authorities.Add(await application.ProvisionAsync(application.Zone.Blueprint.Scopes, depth: 1, stop));
        }

        var callers = Enumerable.Range(0, plan.Callers)
            .Select(i => Task.Run(() => CallAsync(authorities[i % authorities.Count], plan.MintsOnly, stop), stop)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(plan.WarmupSeconds), stop);
        var allocated = await AllocatedAsync(metricsToken, stop);
        var before = processes.Select(process => ProcStat.Read(process.Pid)).ToList();
        var clock = Stopwatch.StartNew();
        measuring = true;
        await Task.Delay(TimeSpan.FromSeconds(plan.Seconds), stop);
        measuring = false;
        var elapsed = clock.Elapsed;
        var after = processes.Select(process => ProcStat.Read(process.Pid)).ToList();
        allocated = await AllocatedAsync(metricsToken, stop) - allocated;
        stopping = true;
        await Task.WhenAll(callers);
        var use = processes.Select((process, i) => new ProcessUse(
            process.Name,
            before[i] is { } from && after[i] is { } to ? to.CpuMicroseconds - from.CpuMicroseconds : 0,
            after[i]?.ResidentMegabytes ?? 0)).ToList();
        return Summarise(plan, elapsed, use, allocated);
    }

    // Mint, then spend: the two calls that an agent makes for one governed call.
    private async Task CallAsync(AgentAuthority authority, bool mintsOnly, CancellationToken stop)
    {
        var blueprint = application.Zone.Blueprint;
        while (!stopping && !stop.IsCancellationRequested)
        {
            var start = Stopwatch.GetTimestamp();
            var counted = measuring;
            try
            {
                var mandate = (await application.MintAsync(authority, blueprint.Scopes[0], stop)).Require("mint");
                record.Add(mandate.RequestId);
                if (!mintsOnly)
                {
                    var answer = (await client.GovernedAsync(
                        HttpMethod.Get, "/reports", mandate["access_token"], blueprint.Resource, stop)).Require("governed call");
                    record.Add(answer.RequestId);
                }

                if (counted) latencies.Enqueue(Stopwatch.GetElapsedTime(start).Ticks);
            }
            catch (Exception fault) when (fault is WireException or HttpRequestException)
            {
                if (stopping) return;
                Interlocked.Increment(ref errors);
                Interlocked.CompareExchange(ref firstError, fault.Message, null);
                await Task.Delay(10, CancellationToken.None); // A stack that is gone must not be hammered.
            }
        }
    }

    // What the measured process says it has allocated since it started.
    private async Task<double> AllocatedAsync(string token, CancellationToken stop)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var text = await http.GetStringAsync(new Uri(client.Endpoints.Sts + "/metrics"), stop);
        var line = text.Split('\n').First(l => l.StartsWith("caracal_sts_allocated_bytes_total ", StringComparison.Ordinal));
        return double.Parse(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture);
    }

    private BenchResult Summarise(BenchPlan plan, TimeSpan elapsed, IReadOnlyList<ProcessUse> use, double allocated)
    {
        var sorted = latencies.Order().ToArray();
        return new BenchResult
        {
            Calls = sorted.Length,
            CallsPerSecond = sorted.Length / elapsed.TotalSeconds,
            P50Milliseconds = Percentile(sorted, 0.50),
            P99Milliseconds = Percentile(sorted, 0.99),
            Errors = Interlocked.Read(ref errors),
            CpuMicrosecondsPerCall = sorted.Length == 0 ? 0 : use.Sum(process => process.CpuMicroseconds) / sorted.Length,
            ResidentMegabytes = use.Max(process => process.ResidentMegabytes),
            Processes = use,
            AllocatedBytesPerCall = sorted.Length == 0 ? 0 : allocated / sorted.Length,
            MintsOnly = plan.MintsOnly,
            FirstError = firstError,
        };
    }

    internal static double Percentile(long[] sortedTicks, double share) =>
        sortedTicks.Length == 0 ? 0 : sortedTicks[(int)Math.Min(sortedTicks.Length - 1, share * sortedTicks.Length)] / (double)TimeSpan.TicksPerMillisecond;
}
