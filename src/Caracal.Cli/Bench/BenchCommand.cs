using Caracal.Cli.Bench.Coordinator;
using Caracal.Cli.Bench.Proxy;
using Caracal.Cli.Bench.Rotation;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Bench;

/// <summary><c>caracal bench governed</c>: how much a governed call costs, measured on a stack in a process of its own.</summary>
internal static class BenchCommand
{
    public static Command Descriptor { get; } = new(
        "bench", CommandGroup.Operations, "measure governed calls, mints, sessions and plain forwarding",
        """
        usage: caracal bench governed [--callers N] [--seconds S] [--warmup S] [--stack S] [--record FILE] [--home DIR] [--json]
               caracal bench mint [--callers N] [--seconds S] [--warmup S] [--home DIR] [--json]
               caracal bench coordinator [--callers N] [--seconds S] [--warmup S] [--home DIR] [--json]
               caracal bench proxy [--callers N] [--seconds S] [--warmup S] [--json]
               caracal bench rotate [--passes N] [--times N] [--calls N] [--class A,B] [--calm S] [--warmup S] [--stack S] [--home DIR] [--json]
               caracal bench rotate --null S [--warmup S] [--stack S] [--json]
               caracal bench audit [--events N] [--stack S] [--home DIR] [--json]

        audit
        Signs, checks, chains and stores N events (default 1,000,000) in an embedded ledger in this process,
        verifies them all, and looks up single events and pages at 10,000 events and at the end.
        --stack postgres  the same in a private PostgreSQL

        rotate
        Rotates every class of key material in turn, and all again (--passes, default 2), under a steady governed load:
        requests, failures (none may fail), latencies before, during and after. What rotates in an instant rotates ten
        times a second for three seconds (zone keys twice); of the others --times (default 2) follow each other. Both go on until
        --calls calls (default 1000) were met in all passes together. Then looks for every old and new value in every file the stack and the command wrote.
        --calm S        seconds without a rotation before and after each class (default 4), or until as many calls were met
        --null S        rotates nothing for S seconds and tells how far the ratio strays by itself
        --warmup S      default 60: six processes get the calls that one process gets
        --stack postgres as below

        governed
        Starts a private stack as a separate process, drives N callers (default 8) for S seconds
        (default 10) after a warm-up (default 25): each call mints a one-shot mandate at the STS and
        spends it at the Gateway, which forwards to a local upstream. Callers and upstream run outside
        the measured process. Prints calls per second, latencies, errors, CPU of the stack's process
        per call, and its resident memory.
        --stack postgres  measures separate processes over a private PostgreSQL and Redis instead
                          (Debian: postgresql, redis-server); CPU is the sum of our processes
        --record FILE   appends the request id of every answered call, as it is answered
        --home DIR      keeps the stack's files there instead of a temporary folder

        mint
        The same stack and callers, but each call only mints. Prints mints per second, and per second of
        one core of the stack's process, latencies, and bytes allocated per mint.

        coordinator
        Starts and ends Sessions, then creates delegations, N callers (default 32) each for S seconds; then, one caller,
        effective-authority at the end of ten delegations and a Session cycle in zones of 1, 1,000 and
        100,000 Sessions; then revokes a delegation with 10,000 descendants.

        proxy
        The same load (32 callers unless told otherwise) through nginx as a plain proxy and through our forwarder with
        governance off, in turns of two seconds, then as whole governed calls. Needs nginx (Debian: nginx-light).
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("callers", "seconds", "warmup", "record", "home", "json", "upstream", "stack", "events", "passes", "times", "class", "calm", "calls", "null");
        var plan = new BenchPlan
        {
            Callers = context.Arguments.Integer("callers", context.Arguments.Operands is ["coordinator"] or ["proxy"] ? 32 : 8, 1, 256),
            Seconds = context.Arguments.Integer("seconds", 10, 1, 3600),
            WarmupSeconds = context.Arguments.Integer("warmup", 25, 0, 600),
            Separate = context.Arguments.Value("stack") switch
            {
                null or "embedded" => false,
                "postgres" => true,
                var other => throw new CommandFailure($"there is no stack '{other}'; stacks are embedded and postgres"),
            },
            RecordFile = context.Arguments.Value("record"),
            Home = context.Arguments.Value("home"),
        };
        context.Terminal.Quiet = context.Json;
        return context.Arguments.Operands switch
        {
            ["rotate"] => await RotateBench.RunAsync(plan with { WarmupSeconds = context.Arguments.Integer("warmup", 60, 0, 600) }, context),
            ["audit"] => await AuditBench.RunAsync(plan.Separate, context),
            ["mint"] => await GovernedAsync(plan with { MintsOnly = true }, context),
            ["governed"] => await GovernedAsync(plan, context),
            ["coordinator"] => await CoordinatorAsync(plan, context),
            ["proxy"] => await ProxyBench.RunAsync(plan, context),
            ["forwarder"] => await ProxyBench.ServeAsync(context), // the measured process of "proxy"
            _ => throw new CommandFailure("usage: caracal bench governed|mint|rotate|coordinator|proxy [--callers N] [--seconds S]"),
        };
    }

    private static async Task<int> CoordinatorAsync(BenchPlan plan, CommandContext context)
    {
        var figures = await CoordinatorBench.RunAsync(plan, context.Terminal, context.Stop);
        if (context.Json) context.Terminal.Line(figures.ToJsonLine());
        else figures.Print(context.Terminal);
        return figures.Errors == 0 ? 0 : 1;
    }

    private static async Task<int> GovernedAsync(BenchPlan plan, CommandContext context)
    {
        var result = await GovernedBench.RunAsync(plan, context.Terminal, context.Stop);
        if (context.Json) context.Terminal.Line(result.ToJsonLine());
        else result.Print(context.Terminal);
        return result.Errors == 0 ? 0 : 1;
    }
}
