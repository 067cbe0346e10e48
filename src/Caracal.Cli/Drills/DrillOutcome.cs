using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Protocol;

namespace Caracal.Cli.Drills;

/// <summary>What a drill came to, for people and for programs.</summary>
internal static class DrillOutcome
{
    /// <summary>Runs it; one that does not end in its time has failed.</summary>
    public static async Task<DrillResult> OfAsync(Drill drill, DrillSystem system, CancellationToken limit, CancellationToken stop)
    {
        var run = new DrillRun(drill, system, limit);
        var at = TimeProvider.System.GetUtcNow();
        try
        {
            return await run.RunAsync();
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            run.Expect("the drill ends in its time", ok: false, "it was broken off");
            return new DrillResult(drill.Name, drill.Alert, at, TimeProvider.System.GetUtcNow() - at, TimeSpan.Zero, run.Checks);
        }
    }

    public static JsonObject Line(DrillResult result) => new()
    {
        ["at"] = Timestamps.Seconds(result.StartedAt),
        ["drill"] = result.Name,
        ["ok"] = result.Passed,
        ["alert"] = result.Alert,
        ["seconds"] = Math.Round(result.Took.TotalSeconds, 1),
        ["recovery_seconds"] = Math.Round(result.Recovery.TotalSeconds, 1),
        ["checks"] = new JsonArray([.. result.Checks.Select(check => new JsonObject { ["check"] = check.What, ["ok"] = check.Ok, ["detail"] = check.Detail })]),
    };

    public static void Print(Terminal terminal, DrillResult result)
    {
        foreach (var check in result.Checks) terminal.Line($"  {terminal.Mark(check.Ok)} {check.What}: {check.Detail}");
        var failed = result.Checks.Where(check => !check.Ok).Select(check => check.What).ToList();
        var figures = string.Create(CultureInfo.InvariantCulture, $"{result.Took.TotalSeconds:F1} s, of which {result.Recovery.TotalSeconds:F1} s to recover");
        if (result.Passed) terminal.Success($"{result.Name} passed in {figures}");
        else terminal.Error($"{result.Name} FAILED after {figures}: {string.Join("; ", failed)}");
    }
}
