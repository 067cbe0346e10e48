using System.Text.Json;
using Caracal.Cli.Drills;

namespace Caracal.EndToEnd.Drills;

/// <summary>The drills that operators run, run as they run them.</summary>
public sealed class DrillCommandTests
{
    [Fact]
    public async Task Every_drill_fails_closed_shows_in_its_alerts_figures_and_recovers()
    {
        using var caracal = new CaracalCommand();

        var (exit, output, error) = await caracal.RunAsync("drill", "all", "--json");

        Assert.True(exit == 0, output + error);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(DrillList.All.Select(drill => drill.Name), lines.Select(line => line.GetProperty("drill").GetString()));
        Assert.All(lines, line => Assert.True(line.GetProperty("ok").GetBoolean(), line.ToString()));
        Assert.All(lines, line => Assert.Contains(line.GetProperty("checks").EnumerateArray(), check =>
            check.GetProperty("check").GetString() == $"the figures of {line.GetProperty("alert").GetString()} show it"));
        Assert.Equal(lines.Count, (await File.ReadAllLinesAsync(Path.Combine(caracal.Home, "drills.jsonl"), TestContext.Current.CancellationToken)).Length);
    }

    [Fact]
    public async Task A_drill_that_finds_something_wrong_mends_all_the_same_and_says_what_it_was()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var system = await DrillSystem.StartAsync(stop);
        var mended = false;
        var drill = new Drill(
            "wrong", "nothing", "CaracalNone",
            _ => throw new InvalidOperationException("it cannot be broken"),
            async run =>
            {
                var (_, allowed) = await run.System.TryAllowedAsync(run.Stop);
                run.Expect("no call is allowed", ok: false, allowed);
            },
            _ =>
            {
                mended = true;
                return Task.CompletedTask;
            });

        var result = await DrillOutcome.OfAsync(drill, system, stop, stop);

        Assert.True(mended);
        Assert.False(result.Passed);
        Assert.Equal(
            [("the step 'break' runs to its end", "InvalidOperationException: it cannot be broken"), ("no call is allowed", "call 200")],
            result.Checks.Where(check => !check.Ok).Select(check => (check.What, check.Detail)));
        var (output, error) = (new StringWriter(), new StringWriter());
        DrillOutcome.Print(new Cli.CommandLine.Terminal(output, error), result);
        Assert.Contains("wrong FAILED", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("no call is allowed", error.ToString(), StringComparison.Ordinal);
    }
}
