using System.Diagnostics;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Servers;

/// <summary>One role in a process of its own: <c>caracal serve --role …</c>.</summary>
internal sealed class FleetService : IAsyncDisposable
{
    private readonly IReadOnlyDictionary<string, string?> variables;
    private Process? process;

    /// <param name="role">The role.</param>
    /// <param name="replica">Which of the role's replicas, from 0.</param>
    /// <param name="url">Where it listens.</param>
    /// <param name="log">The file of its log lines.</param>
    /// <param name="variables">Its whole environment.</param>
    public FleetService(string role, int replica, string url, string log, IReadOnlyDictionary<string, string?> variables)
    {
        Role = role;
        Replica = replica;
        Url = url;
        Log = log;
        this.variables = variables;
    }

    /// <summary>Its whole environment.</summary>
    public IReadOnlyDictionary<string, string?> Variables => variables;

    public string Role { get; }

    public int Replica { get; }

    public string Url { get; }

    public string Log { get; }

    public string Name => $"{Role}-{Replica}";

    public int Pid => process?.Id ?? 0;

    public bool HasEnded => process?.HasExited != false;

    public void Start() => process = Detachment.Start(["serve", "--role", Role], variables, Log);

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        if (process is null) return;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    /// <summary>SIGTERM: it drains and ends by itself.</summary>
    public async Task StopAsync()
    {
        if (process is null) return;
        await LocalProcess.EndAsync(process, process.Id, LocalProcess.Terminate);
        process.Dispose();
        process = null;
    }

    /// <summary>Sends any signal: 19 makes it stand still, 18 lets it go on.</summary>
    public Task SignalAsync(int signal)
    {
        if (Pid == 0 || ProcessIdentity.Of(Pid)?.Send(signal) != true) throw new InvalidOperationException($"{Name} does not run");
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}
