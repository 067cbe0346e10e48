using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Drills;

/// <summary><c>caracal drill</c>: breaks something on purpose where nobody is harmed, and says whether it failed closed and came back (operations.md 10).</summary>
internal static class DrillCommand
{
    private static readonly TimeSpan LongestDrill = TimeSpan.FromMinutes(3);

    public static Command Descriptor { get; } = new(
        "drill", CommandGroup.Operations, "prove that a failure is survived, and that a backup can be restored",
        """
        usage: caracal drill NAME... | all [--json]
               caracal drill restore [BUNDLE] [--export DIR] [--json]
               caracal drill list

        Starts a system of its own (every service in its own process, a PostgreSQL and a Redis of its own, on free
        loopback ports), breaks one thing, looks whether it fails closed and whether the alert's figures show it, mends it
        by the runbook, and proves the recovery: a call that is allowed, one that is denied, one whose session ended,
        empty queues, every answered call in the ledger, a ledger that verifies. Nothing that runs here is touched.

        restore brings a bundle (the newest of CARACAL_HOME/backups) into a temporary folder, or a temporary database
        beside the one that DATABASE_URL names, which is dropped again. Then: does every sealed value open, do the
        ledgers verify, is nothing alive that lived then? The newest hour of the ledger's export (DIR, else where
        AUDIT_EXPORT_DIR or AUDIT_EXPORT_S3_BUCKET says) must agree with its manifest and with what was restored.

        Every run is a line of CARACAL_HOME/drills.jsonl and, where the variables name a store, a row of ops_drills.
        Exit 0 if every check of every drill held, else 1.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("json", "export");
        context.Terminal.Quiet = context.Json;
        var names = context.Arguments.Operands;
        if (names is ["restore", ..]) return await RestoreDrill.RunAsync(context);
        if (names is ["list"])
        {
            var rows = DrillList.All.Select(drill => (IReadOnlyList<string?>)[drill.Name, drill.What, drill.Alert]);
            context.Terminal.Table(["drill", "what is broken", "alert"], [.. rows, ["restore", "nothing: a backup is brought back beside it", null]]);
            return 0;
        }

        IReadOnlyList<Drill> drills = names is ["all"] ? DrillList.All : [.. names.Select(Find)];
        if (drills.Count == 0) throw new CommandFailure("say which: caracal drill list");
        return await RunAsync(context, drills) ? 0 : 1;
    }

    private static Drill Find(string name) => DrillList.Find(name) ?? throw new CommandFailure($"there is no drill '{name}': caracal drill list");

    private static async Task<bool> RunAsync(CommandContext context, IReadOnlyList<Drill> drills)
    {
        context.Terminal.Step("starting a system of its own");
        await using var system = await DrillSystem.StartAsync(context.Stop);
        var passed = true;
        foreach (var drill in drills)
        {
            context.Terminal.Step($"{drill.Name}: {drill.What}");
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.Stop);
            limit.CancelAfter(LongestDrill);
            var result = await DrillOutcome.OfAsync(drill, system, limit.Token, context.Stop);
            await DrillRecords.AddAsync(context, DrillOutcome.Line(result), result.StartedAt, rpo: null, (long)Math.Ceiling(result.Recovery.TotalSeconds));
            if (context.Json) context.Terminal.Line(DrillOutcome.Line(result).ToJsonString());
            else DrillOutcome.Print(context.Terminal, result);
            passed &= result.Passed;
            if (!result.Passed && drill != drills[^1]) throw new CommandFailure($"{drill.Name} failed; the drills after it need a system that is well, and were not run");
        }

        return passed;
    }
}
