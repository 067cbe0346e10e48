using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;

namespace Caracal.Cli.Hardening;

/// <summary><c>caracal harden</c>: the hardening list as a program (operations.md 5.2).</summary>
internal static class HardenCommand
{
    public static Command Descriptor { get; } = new(
        "harden", CommandGroup.Operations, "check a deployment, and mend what can be mended",
        """
        usage: caracal harden [--profile compose|kubernetes|external] [--objects FILE] [--zone ID] [--only IDS] [--skip IDS]
                              [--strict] [--json | --sarif FILE] [--fix [--yes]] [--list]

        Looks at the variables and files of this operator, at the running services (CARACAL_*_URL), at
        PostgreSQL and Redis as the services enter them, and sends requests that must be refused.
        Nothing is changed without --fix. A check whose subject cannot be looked at is a warning that
        says why; it never passes.

        --profile        how it is deployed: what can only hold elsewhere is left out (network policies under compose; all
                         checks of containers and pods under external, where a host or a platform runs the processes)
        --zone           checks of zones look at this one only
        --only, --skip   check ids, separated by commas
        --objects FILE   rendered objects as JSON: docker compose config --format json, or
                         kubectl get deploy,sts,job,netpol,pdb -o json
        --strict         a warning fails, too
        --json           one document; --sarif FILE writes SARIF 2.1.0 for pipelines ('-' is the output)
        --fix            shows what it would change; with --yes changes it, looks again and says what is proved
        --list           every check, what it expects and what follows otherwise

        Exit 0 if no check failed, else 1.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("profile", "zone", "only", "skip", "objects", "strict", "json", "sarif", "fix", "yes", "list");
        if (context.Arguments.Operands.Count > 0) throw new CommandFailure($"unknown argument '{context.Arguments.Operands[0]}'");
        var checks = DeploymentProfile.Of(context.Arguments.Value("profile")).Applicable(CheckList.Select(context.Arguments.Value("only"), context.Arguments.Value("skip")));
        if (context.Arguments.IsOn("list"))
        {
            context.Terminal.Table(["id", "expected", "otherwise"], [.. checks.Select(check => (IReadOnlyList<string?>)[check.Id, check.Expected, check.Consequence])]);
            return 0;
        }

        var objects = context.Arguments.Value("objects") is { } file ? RenderedObjects.Read(file) : null;
        Deployment Open(ProcessVariables variables) => new(variables, TimeProvider.System) { Zone = context.Arguments.Value("zone"), Objects = objects };
        await using var deployment = Open(context.Variables);
        var results = await InspectAsync(checks, deployment, context.Stop);
        if (context.Arguments.IsOn("fix")) results = await HardenFix.RunAsync(context, results, Open);
        else await ReportAsync(context, results);
        return IsPassed(results, context.Arguments.IsOn("strict")) ? 0 : 1;
    }

    /// <summary>Runs checks one after the other: what they send must not be what slows another.</summary>
    public static async Task<IReadOnlyList<CheckResult>> InspectAsync(IReadOnlyList<Check> checks, Deployment deployment, CancellationToken stop)
    {
        var results = new List<CheckResult>();
        foreach (var check in checks)
        {
            results.Add(new CheckResult(check, await Inspection.RunAsync(check.InspectAsync, deployment, stop)));
        }

        return results;
    }

    public static bool IsPassed(IReadOnlyList<CheckResult> results, bool strict) =>
        results.All(result => result.Finding.Outcome == Outcome.Ok || (!strict && result.Finding.Outcome != Outcome.Fail));

    private static async Task ReportAsync(CommandContext context, IReadOnlyList<CheckResult> results)
    {
        if (context.Arguments.Value("sarif") is { } file)
        {
            var sarif = Sarif.Write(results);
            if (file == "-") context.Terminal.Write(sarif);
            else await File.WriteAllTextAsync(file, sarif, context.Stop);
        }

        if (context.Json) context.Terminal.Write(HardenReport.Json(results, context.Arguments.IsOn("strict")));
        else if (context.Arguments.Value("sarif") != "-") HardenReport.Print(context.Terminal, results);
    }
}
