using System.Diagnostics;
using System.Text.Json;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench.Coordinator;

/// <summary>Sessions, delegations and the graph as it grows, over the wire, on a stack in a process of its own.</summary>
internal sealed class CoordinatorBench
{
    private const int Depth = 10;
    private const int Descendants = 10_000;
    private const int Samples = 300;
    private static readonly int[] Sizes = [1, 1_000, 100_000];

    private readonly AgentApplication application;
    private readonly WireClient client;
    private readonly int processId;
    private long errors;
    private string? firstError;

    private CoordinatorBench(AgentApplication application, WireClient client, int processId)
    {
        this.application = application;
        this.client = client;
        this.processId = processId;
    }

    private string Zone => $"/zones/{application.Zone.ZoneId}";

    public static async Task<CoordinatorFigures> RunAsync(BenchPlan plan, Terminal terminal, CancellationToken stop)
    {
        await using var stack = await BenchStack.StartAsync(plan.Home, stop);
        terminal.Step($"stack pid {stack.Processes[0].Pid}, {plan.Callers} callers, {plan.WarmupSeconds} s warm-up, {plan.Seconds} s measured");
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(
            wire, stack.AdminToken, new ZoneBlueprint { Name = "bench", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "bench-upstream-key" }, stop);
        var bench = new CoordinatorBench(new AgentApplication(wire, zone), wire, stack.Processes[0].Pid);
        await bench.application.LifecycleAsync(stop); // the record that seeded Sessions stand on
        await using var graph = SeededGraph.Open(stack.Files.Data, zone.ZoneId, zone.ApplicationId, zone.Blueprint.Scopes[0]);
        return await bench.MeasureAsync(plan, graph, terminal, stop);
    }

    private async Task<CoordinatorFigures> MeasureAsync(BenchPlan plan, SeededGraph graph, Terminal terminal, CancellationToken stop)
    {
        var (cycles, cpu) = await RateAsync(plan, _ => CycleAsync(stop), stop);
        var pairs = new List<AgentAuthority>();
        for (var i = 0; i < plan.Callers; i++) pairs.Add(await application.ProvisionAsync(application.Zone.Blueprint.Scopes, 1, stop));
        var roots = new List<string>();
        for (var i = 0; i < plan.Callers; i++) roots.Add(await StartAsync(stop));
        var (delegations, _) = await RateAsync(plan, caller => DelegateAsync(roots[caller], pairs[caller].SessionId, stop), stop);

        var end = await graph.ChainAsync(Depth);
        var sizes = new List<SizeFigures>();
        foreach (var size in Sizes)
        {
            terminal.Step($"a zone of {size} sessions");
            await graph.FillAsync(size);
            sizes.Add(new SizeFigures(
                size,
                await MedianAsync(() => ReadAsync(end, stop)),
                await MedianAsync(() => CycleAsync(stop))));
        }

        var root = await graph.TreeAsync(Descendants);
        var clock = Stopwatch.StartNew();
        var revoked = await SendAsync(HttpMethod.Patch, $"{Zone}/delegations/{root}/revoke", null, stop);
        var elapsed = clock.Elapsed;
        if (revoked.Body.GetProperty("revoked_edges").GetInt32() != Descendants + 1) throw new CommandFailure("the revoke did not reach every descendant");
        return new CoordinatorFigures
        {
            CyclesPerSecond = cycles,
            CycleCpuMicroseconds = cpu,
            DelegationsPerSecond = delegations,
            RevokeMilliseconds = elapsed.TotalMilliseconds,
            Sizes = sizes,
            Errors = Interlocked.Read(ref errors),
            FirstError = firstError,
        };
    }

    // What all callers together get done in a second, and the CPU that one of them costs the stack.
    private async Task<(double PerSecond, double CpuMicroseconds)> RateAsync(BenchPlan plan, Func<int, Task> once, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var (counting, done) = (false, 0L);
        var callers = Enumerable.Range(0, plan.Callers).Select(caller => Task.Run(
            async () =>
            {
                while (!over.IsCancellationRequested)
                {
                    if (await TryAsync(() => once(caller)) && Volatile.Read(ref counting)) Interlocked.Increment(ref done);
                }
            },
            stop)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(plan.WarmupSeconds), stop);
        var before = ProcStat.Read(processId);
        var clock = Stopwatch.StartNew();
        Volatile.Write(ref counting, true);
        await Task.Delay(TimeSpan.FromSeconds(plan.Seconds), stop);
        Volatile.Write(ref counting, false);
        var elapsed = clock.Elapsed;
        var after = ProcStat.Read(processId);
        await over.CancelAsync();
        await Task.WhenAll(callers);
        var cpu = before is { } from && after is { } to ? to.CpuMicroseconds - from.CpuMicroseconds : 0;
        return (done / elapsed.TotalSeconds, done == 0 ? 0 : cpu / done);
    }

    private async Task<double> MedianAsync(Func<Task> once)
    {
        var ticks = new List<long>();
        for (var i = 0; i < Samples * 2; i++)
        {
            var start = Stopwatch.GetTimestamp();
            if (await TryAsync(once) && i >= Samples) ticks.Add(Stopwatch.GetElapsedTime(start).Ticks);
        }

        return GovernedBench.Percentile([.. ticks.Order()], 0.50);
    }

    private async Task<bool> TryAsync(Func<Task> once)
    {
        try
        {
            await once();
            return true;
        }
        catch (Exception fault) when (fault is WireException or HttpRequestException)
        {
            Interlocked.Increment(ref errors);
            Interlocked.CompareExchange(ref firstError, fault.Message, null);
            await Task.Delay(10, CancellationToken.None); // A stack that is gone must not be hammered.
            return false;
        }
    }

    private async Task CycleAsync(CancellationToken stop)
    {
        var id = await StartAsync(stop);
        await SendAsync(HttpMethod.Delete, $"{Zone}/agents/{id}", null, stop);
    }

    private async Task<string> StartAsync(CancellationToken stop)
    {
        var body = JsonSerializer.Serialize(new { application_id = application.Zone.ApplicationId, ttl_seconds = 1020 });
        return (await SendAsync(HttpMethod.Post, $"{Zone}/agents", body, stop))["agent_session_id"];
    }

    private Task DelegateAsync(string source, string target, CancellationToken stop) => SendAsync(
        HttpMethod.Post,
        $"{Zone}/delegations",
        JsonSerializer.Serialize(new
        {
            issuer_application_id = application.Zone.ApplicationId,
            receiver_application_id = application.Zone.ApplicationId,
            source_session_id = source,
            target_session_id = target,
            scopes = application.Zone.Blueprint.Scopes,
            constraints = new { resources = new[] { application.Zone.Blueprint.Resource } },
            ttl_seconds = 900,
        }),
        stop);

    private Task ReadAsync(string sessionId, CancellationToken stop) =>
        SendAsync(HttpMethod.Get, $"{Zone}/agents/{sessionId}/effective-authority", null, stop);

    private async Task<WireAnswer> SendAsync(HttpMethod method, string path, string? body, CancellationToken stop) =>
        (await client.CoordinatorAsync(method, path, await application.LifecycleAsync(stop), body, stop)).Require($"{method} {path}");
}
