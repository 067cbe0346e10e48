using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Stack.Hardening;

namespace Caracal.Cli.Hardening;

/// <summary>The checks of <c>caracal harden</c> as a running service makes them, with the variables and files that it has itself.</summary>
internal static class HardeningInspection
{
    public static Func<CancellationToken, Task<IReadOnlyList<InspectedCheck>>> Of(ProcessVariables variables) => async stop =>
    {
        await using var deployment = new Deployment(variables, TimeProvider.System);
        var results = await HardenCommand.InspectAsync(CheckList.All, deployment, stop);
        return [.. results.Select(result => new InspectedCheck(
            result.Check.Id,
            result.Finding.Outcome == Outcome.NotEvaluated ? InspectedCheck.NotEvaluated : HardenReport.Word(result.Finding.Outcome),
            Scrubber.Scrub(result.Finding.Detail)))];
    };
}
