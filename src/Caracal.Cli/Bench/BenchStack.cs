using System.Diagnostics;
using Caracal.Cli.Commands;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench;

/// <summary>The measured process: <c>caracal serve</c> with limits that a benchmark does not run into.</summary>
internal sealed class BenchStack : IMeasuredStack
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(20);

    // One address and one application make all calls here; in production the limits protect exactly against that.
    public static readonly IReadOnlyDictionary<string, string?> Limits = new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["STS_MINT_RATE_LIMIT_PER_MIN"] = "100000000",
        ["STS_CLIENT_RATE_LIMIT_PER_MIN"] = "100000000",
        ["COORDINATOR_RATE_LIMIT_PER_MIN"] = "0",
        ["MAX_AGENTS_PER_ZONE"] = "10000000",
        ["MAX_AGENTS_PER_APP"] = "10000000",
    };

    private readonly Process process;

    private BenchStack(PrivateStack files, Process process)
    {
        Files = files;
        this.process = process;
    }

    public PrivateStack Files { get; }

    public IReadOnlyDictionary<string, string> Urls => Files.Urls;

    public string AdminToken => Files.AdminToken;

    public string MetricsToken => Files.MetricsToken;

    public IReadOnlyList<(string Name, int Pid)> Processes => [("stack", process.Id)];

    public static async Task<BenchStack> StartAsync(string? home, CancellationToken stop, IReadOnlyDictionary<string, string?>? settings = null)
    {
        var files = new PrivateStack(home, settings ?? Limits);
        var stack = new BenchStack(files, Detachment.Start(["serve"], files.Variables, files.Log));
        try
        {
            await stack.WaitUntilReadyAsync(stop);
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        ProcessIdentity.Of(process.Id)?.Terminate();
        using var limit = new CancellationTokenSource(StopTime);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }

        process.Dispose();
        Files.Dispose();
    }

    private async Task WaitUntilReadyAsync(CancellationToken stop)
    {
        var services = Files.Urls.Select(url => new ServiceUrl(url.Key, new Uri(url.Value))).ToList();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(StartTime);
        while (!(await ServiceProbe.ProbeAsync(services, ready: true, limit.Token)).All(result => result.Ok))
        {
            if (process.HasExited) throw new InvalidOperationException($"the stack ended with exit code {process.ExitCode}; see {Files.Log}");
            await Task.Delay(20, limit.Token);
        }
    }
}
