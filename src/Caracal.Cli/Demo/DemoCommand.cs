using System.Diagnostics;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Commands;
using Caracal.Cli.Environment;
using Caracal.Cli.Ledger;
using Caracal.Cli.Processes;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Demo;

/// <summary><c>caracal demo</c> (cli.md 5): the main job on a private stack, with real calls and a real upstream.</summary>
internal static class DemoCommand
{
    public static Command Descriptor { get; } = new(
        "demo", CommandGroup.Stack, "see the whole of it work, on a private stack",
        """
        usage: caracal demo [--against]

        Starts a private stack in a temporary folder and a small upstream, then makes allowed, denied,
        replayed, delegated and revoked calls the way a client library does. Prints each call with its
        decision, the reason and the audit event, verifies the ledger, tampers with one byte of it and
        verifies again. Exit 0 only if every outcome was the expected one.
        --against   plays on the running system that `caracal status` addresses instead, with two zones of
                    its own. Needs CARACAL_ADMIN_TOKEN and CARACAL_COORDINATOR_TOKEN (or their files), and a
                    Gateway that may call 127.0.0.1, where the demo's upstream listens. Verifies the ledger
                    when DATABASE_URL is set or the embedded store is at hand, and changes no byte of it.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("against");
        var clock = Stopwatch.StartNew();
        var report = context.Arguments.IsOn("against") ? await PlayAgainstAsync(context) : await PlayPrivatelyAsync(context);
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

    private static async Task<DemoReport> PlayPrivatelyAsync(CommandContext context)
    {
        context.Terminal.Banner("caracal demo: a private embedded stack (mode dev), one upstream, one agent");
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        var report = await PlayAsync(files, context.Stop);
        await new LedgerScene(files, context.Terminal).PlayAsync(report, context.Stop);
        return report;
    }

    private static async Task<DemoReport> PlayAgainstAsync(CommandContext context)
    {
        var secrets = new SecretSource(context.Variables.All, role: null, published: false);
        var tokens = new OperatorTokens(Token(SecretFiles.AdminToken), Token(SecretFiles.CoordinatorToken));
        var record = StackRecord.Read(context.Paths.StackRecord);
        var urls = ServiceUrls.Resolve(context.Variables, record is { Process.IsRunning: true } ? record : null)
            .ToDictionary(service => service.Name, service => service.Url.ToString().TrimEnd('/'), StringComparer.Ordinal);
        context.Terminal.Banner($"caracal demo: the system at {urls["api"]}, one upstream, one agent");

        await using var upstream = await LoopbackUpstream.StartAsync(remember: true, context.Stop);
        using var client = new WireClient(WireEndpoints.From(urls));
        var report = new DemoReport(client, tokens.Admin);
        await new DemoScenes(client, upstream, report, tokens).PlayAsync(context.Stop);
        if (ReadableLedger.Find(context.Variables, context.Paths.Data) is { } ledger)
        {
            await using (ledger) await LedgerScene.VerifyAsync(ledger, LedgerKeys.Find(context), report, context.Terminal, context.Stop);
        }
        else
        {
            context.Terminal.Info("the ledger was not verified: DATABASE_URL is not set");
        }

        return report;

        string Token(string variable) => secrets.Find(variable)?.Value.Reveal()
            ?? throw new CommandFailure($"{variable} is required; set it, {variable}_FILE, or CARACAL_SECRETS_DIR");
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
        await new DemoScenes(client, upstream, report, new OperatorTokens(files.AdminToken, files.CoordinatorToken)).PlayAsync(stop);
        await stack.FlushEvidenceAsync(stop);
        return report;
    }
}
