using System.Runtime.InteropServices;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;
using Caracal.Cli.Run.CredentialFree;

namespace Caracal.Cli.Run;

/// <summary><c>caracal run [--] &lt;command&gt; [args…]</c> (cli.md 6).</summary>
internal static class RunCommand
{
    public static Command Descriptor { get; } = new(
        "run", CommandGroup.Runtime, "start a program with the credentials of a workload",
        """
        usage: caracal run [--] <command> [args…]
               caracal run --credential-free [--allow RESOURCE=scope,scope]… [--] <command> [args…]

        Asks the STS for the workload's manifest, obtains each credential in its order, and starts the
        command with exactly these credentials in its environment. Nothing else that opens anything is
        passed on. Signals go to the command; its exit code is ours (128+N when signal N ended it).
        Identity: CARACAL_WORKLOAD_ID with CARACAL_WORKLOAD_SECRET or CARACAL_WORKLOAD_SECRET_FILE;
        CARACAL_STS_URL says where the STS is. CARACAL_RUN_PASS_ENV=A,B passes further variables on.
        A credential that needs a person's approval is waited for, visibly.

        --credential-free gives the command no credential at all: it gets the address of a proxy on this
        machine (<RESOURCE>_BASE_URL, HTTP_PROXY), which serves only this command and what it starts, mints
        for each request and ends with it. Identity and resources are those of `caracal config`.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        var (credentialFree, allowed, words) = Options(context.Arguments.Words);
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
            var launch = context with { Stop = stop.Token };
            return credentialFree
                ? await CredentialFreeRun.RunAsync(launch, words, allowed, terminated)
                : await LaunchAsync(launch, words, terminated);
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

    // Ours end where the command begins, or at "--": everything after is the command's.
    private static (bool CredentialFree, IReadOnlyList<string> Allowed, IReadOnlyList<string> Words) Options(IReadOnlyList<string> words)
    {
        var credentialFree = false;
        var allowed = new List<string>();
        var at = 0;
        for (; at < words.Count && words[at].StartsWith("--", StringComparison.Ordinal); at++)
        {
            if (words[at] == "--") return Checked([.. words.Skip(at + 1)]);
            if (words[at] == "--credential-free") credentialFree = true;
            else if (words[at].StartsWith("--allow=", StringComparison.Ordinal)) allowed.Add(words[at]["--allow=".Length..]);
            else if (words[at] == "--allow" && at + 1 < words.Count) allowed.Add(words[++at]);
            else throw new CommandFailure($"unknown flag {words[at]}");
        }

        return Checked([.. words.Skip(at)]);

        (bool, IReadOnlyList<string>, IReadOnlyList<string>) Checked(IReadOnlyList<string> rest) => allowed.Count > 0 && !credentialFree
            ? throw new CommandFailure("--allow belongs to --credential-free")
            : (credentialFree, allowed, rest);
    }
}
