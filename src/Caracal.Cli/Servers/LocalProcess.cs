using System.Diagnostics;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Servers;

/// <summary>Programs that are started and ended by their own id, never by name.</summary>
internal static class LocalProcess
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;

    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(20);

    /// <summary>Runs to the end; anything but 0 is a failure that shows what the program said.</summary>
    public static async Task RunAsync(IReadOnlyList<string> command, CancellationToken stop)
    {
        using var process = Start(command);
        var output = process.StandardOutput.ReadToEndAsync(stop);
        var error = process.StandardError.ReadToEndAsync(stop);
        await process.WaitForExitAsync(stop);
        if (process.ExitCode != 0) throw new CommandFailure($"{command[0]} failed: {await output}{await error}".TrimEnd());
    }

    /// <summary>Starts in the background; what it says is dropped.</summary>
    public static Process Launch(IReadOnlyList<string> command)
    {
        var process = Start(command);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Sends a signal and waits; what does not end in time is killed.</summary>
    public static async Task EndAsync(Process process, int pid, int signal)
    {
        ProcessIdentity.Of(pid)?.Send(signal);
        using var limit = new CancellationTokenSource(StopTime);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }
    }

    private static Process Start(IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        return Process.Start(start) ?? throw new CommandFailure($"{command[0]} did not start");
    }
}
