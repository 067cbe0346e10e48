using System.Diagnostics;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Processes;
using Caracal.Stack;

namespace Caracal.Cli.Demo;

/// <summary><c>caracal demo</c> (cli.md 5): the main job on a private stack, with real calls and a real upstream.</summary>
internal static class DemoCommand
{
    public static Command Descriptor { get; } = new(
        "demo", CommandGroup.Stack, "see the whole of it work, on a private stack",
        """
        usage: caracal demo

        Starts a private stack in a temporary folder and a small upstream, then makes allowed, denied,
        replayed, delegated and revoked calls the way a client library does. Prints each call with its
        decision, the reason and the audit event, verifies the ledger, tampers with one byte of it and
        verifies again. Exit 0 only if every outcome was the expected one.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown();
        var clock = Stopwatch.StartNew();
        context.Terminal.Banner("caracal demo: a private embedded stack (mode dev), one upstream, one agent");
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        var report = await PlayAsync(files, context.Stop);
        await new LedgerScene(files, context.Terminal).PlayAsync(report, context.Stop);
        report.Print(context.Terminal);

        var unexpected = report.Unexpected;
        if (unexpected.Count == 0)
        {
            context.Terminal.Success($"every outcome was the expected one ({clock.Elapsed.TotalSeconds:0.0} s)");
            return 0;
        }

        foreach (var line in unexpected) context.Terminal.Error(line);
        return 1;
    }

    private static async Task<DemoReport> PlayAsync(PrivateStack files, CancellationToken stop)
    {
        await using var log = new StreamWriter(files.Log, append: true);
        await using var upstream = await LoopbackUpstream.StartAsync(remember: true, stop);
        await using var stack = await CaracalStack.StartAsync(
            new StackOptions
            {
                Variables = files.Variables,
                DataDirectory = files.Data,
                Log = TextWriter.Synchronized(log),
                Version = BuildInfo.Current.Version,
            },
            stop);
        using var client = new WireClient(WireEndpoints.From(stack.Urls));
        var report = new DemoReport(client, files.AdminToken);
        await new DemoScenes(client, upstream, report, files).PlayAsync(stop);
        await stack.FlushEvidenceAsync(stop);
        return report;
    }
}
