using System.Runtime.InteropServices;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Run;

/// <summary><c>caracal run [--] &lt;command&gt; [args…]</c> (cli.md 6).</summary>
internal static class RunCommand
{
    public static Command Descriptor { get; } = new(
        "run", CommandGroup.Runtime, "start a program with the credentials of a workload",
        """
        usage: caracal run [--] <command> [args…]

        Asks the STS for the workload's manifest, obtains each credential in its order, and starts the
        command with exactly these credentials in its environment. Nothing else that opens anything is
        passed on. Signals go to the command; its exit code is ours (128+N when signal N ended it).
        Identity: CARACAL_WORKLOAD_ID with CARACAL_WORKLOAD_SECRET or CARACAL_WORKLOAD_SECRET_FILE;
        CARACAL_STS_URL says where the STS is. CARACAL_RUN_PASS_ENV=A,B passes further variables on.
        A credential that needs a person's approval is waited for, visibly.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        var words = Operands(context.Arguments.Words);
        if (words.Count == 0)
        {
            context.Terminal.WriteError(Usage.Of(Descriptor));
            return 1;
        }

        // Until the child runs, a signal ends the launch with the code a shell expects of it.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.Stop);
        var code = 130;
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            code = 143;
            stop.Cancel();
        });
        try
        {
            return await LaunchAsync(context with { Stop = stop.Token }, words, terminated);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return code;
        }
    }

    private static async Task<int> LaunchAsync(CommandContext context, IReadOnlyList<string> words, PosixSignalRegistration untilStarted)
    {
        var record = StackRecord.Read(context.Paths.StackRecord);
        var sts = ServiceUrls.Find("sts", context.Variables, record is { Process.IsRunning: true } ? record : null);
        var identity = WorkloadIdentity.Read(context, sts);
        WorkspaceGuard.Check(context.Variables, Directory.GetCurrentDirectory());

        using var client = new LaunchClient(identity);
        Dictionary<string, string> child;
        try
        {
            var manifest = await client.ManifestAsync(context.Stop);
            var credentials = await LaunchCredentials.ObtainAsync(client, manifest, context.Terminal, context.Stop);
            child = ChildEnvironment.Inherit(context.Variables, context.Terminal);
            ChildEnvironment.Add(child, credentials);
        }
        catch (LaunchFailure failure)
        {
            throw failure.ToCommandFailure();
        }

        context.Stop.ThrowIfCancellationRequested();
        untilStarted.Dispose();
        return await ChildProcess.RunAsync(words, child);
    }

    private static IReadOnlyList<string> Operands(IReadOnlyList<string> words) =>
        words.Count > 0 && words[0] == "--" ? [.. words.Skip(1)] : words;
}
