using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;

namespace Caracal.Cli.Hardening;

/// <summary><c>harden --fix</c>: the plan, then the change, then the proof by looking again.</summary>
internal static class HardenFix
{
    public static async Task<IReadOnlyList<CheckResult>> RunAsync(CommandContext context, IReadOnlyList<CheckResult> before, Func<ProcessVariables, Deployment> open)
    {
        var terminal = context.Terminal;
        await using var deployment = open(context.Variables);
        var wrong = before.Where(result => result.Finding.Outcome is Outcome.Fail or Outcome.Warn).ToList();
        var plan = wrong.Select(result => (result.Check, Changes: result.Check.Repairs(deployment))).ToList();
        foreach (var (check, changes) in plan)
        {
            foreach (var change in changes) terminal.Line($"{check.Id,-9} {change.Plan}");
        }

        var count = plan.Sum(entry => entry.Changes.Count);
        if (count == 0) terminal.Line("there is nothing that this program can mend");
        else if (!context.Arguments.IsOn("yes")) terminal.Line($"{count} change(s) planned; nothing was changed. Run it again with --yes to make them");
        if (count == 0 || !context.Arguments.IsOn("yes")) return Tell(terminal, wrong, before);

        var then = Assignments(context.Paths.OperatorVariables);
        foreach (var (check, changes) in plan)
        {
            foreach (var change in changes) Apply(terminal, check, change);
        }

        // The variables came in part from the operator's file, which is another one now.
        await using var mended = open(Reread(context.Variables, then, Assignments(context.Paths.OperatorVariables)));
        var after = await HardenCommand.InspectAsync([.. before.Select(result => result.Check)], mended, context.Stop);
        foreach (var result in after.Where(result => wrong.Any(old => old.Check == result.Check) && result.Finding.Outcome == Outcome.Ok))
        {
            terminal.Success($"{result.Check.Id} mended and proved: {result.Finding.Detail}");
        }

        return Tell(terminal, [.. after.Where(result => result.Finding.Outcome is Outcome.Fail or Outcome.Warn)], after);
    }

    private static IReadOnlyList<CheckResult> Tell(Terminal terminal, IReadOnlyList<CheckResult> wrong, IReadOnlyList<CheckResult> results)
    {
        foreach (var (check, finding) in wrong) terminal.Line($"{HardenReport.Word(finding.Outcome),-5} {check.Id,-9} {Scrubber.Scrub(finding.Detail)}. {check.Advice}");
        return results;
    }

    private static void Apply(Terminal terminal, Check check, Change change)
    {
        try
        {
            change.Apply();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            terminal.Error($"{check.Id}: could not {change.Plan}: {fault.Message}");
        }
    }

    private static ProcessVariables Reread(
        ProcessVariables variables, IReadOnlyList<KeyValuePair<string, string>> then, IReadOnlyList<KeyValuePair<string, string>> now)
    {
        foreach (var (name, value) in then)
        {
            if (variables[name] == value) variables = variables.Without(name);
        }

        foreach (var (name, value) in now) variables = variables.WithDefault(name, value);
        return variables;
    }

    private static IReadOnlyList<KeyValuePair<string, string>> Assignments(string path) =>
        File.Exists(path) ? VariableFile.Parse(File.ReadAllText(path), out _) : [];
}
