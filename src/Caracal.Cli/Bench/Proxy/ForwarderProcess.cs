using System.Diagnostics;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench.Proxy;

/// <summary>Our forwarder without governance, as a process of its own: <c>caracal bench forwarder --upstream URL</c>.</summary>
internal sealed class ForwarderProcess : IMeasuredProxy
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-forwarder-");
    private readonly Process process;

    private ForwarderProcess(Uri upstream)
    {
        // The variables of the runtime itself pass, so that both measured processes of ours run alike.
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal) { ["PATH"] = System.Environment.GetEnvironmentVariable("PATH") };
        foreach (System.Collections.DictionaryEntry own in System.Environment.GetEnvironmentVariables())
        {
            if (own.Key is string name && name.StartsWith("DOTNET_", StringComparison.Ordinal)) variables[name] = (string?)own.Value;
        }

        process = Detachment.Start(["bench", "forwarder", "--upstream", upstream.ToString()], variables, LogFile);
    }

    public string Url { get; private set; } = "";

    private string LogFile => Path.Combine(folder.FullName, "forwarder.log");

    public static async Task<ForwarderProcess> StartAsync(Uri upstream, CancellationToken stop)
    {
        var forwarder = new ForwarderProcess(upstream);
        try
        {
            await forwarder.WaitUntilReadyAsync(stop);
            return forwarder;
        }
        catch
        {
            await forwarder.DisposeAsync();
            throw;
        }
    }

    public ProxyUse Use() => ProxyUse.Of(process.Id);

    public async ValueTask DisposeAsync()
    {
        ProcessIdentity.Of(process.Id)?.Terminate();
        using var limit = new CancellationTokenSource(StartTime);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }

        process.Dispose();
        folder.Delete(recursive: true);
    }

    private async Task WaitUntilReadyAsync(CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(StartTime);
        while (true)
        {
            if (process.HasExited) throw new InvalidOperationException($"the forwarder ended: {await File.ReadAllTextAsync(LogFile, stop)}");
            var line = (await File.ReadAllLinesAsync(LogFile, limit.Token)).FirstOrDefault(text => text.StartsWith("http://", StringComparison.Ordinal));
            if (line is not null)
            {
                Url = line.Trim();
                return;
            }

            await Task.Delay(20, limit.Token);
        }
    }
}
