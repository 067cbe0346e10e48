namespace Caracal.Cli.Drills;

/// <summary>One failure that is made, watched and mended on a system that belongs to nobody else (operations.md 10).</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="What">What is broken, in a few words.</param>
/// <param name="Alert">The alert whose figures must show it.</param>
/// <param name="BreakAsync">Breaks it.</param>
/// <param name="WatchAsync">What must hold, and must not, while it is broken.</param>
/// <param name="MendAsync">What the runbook does. It leaves nothing behind.</param>
internal sealed record Drill(
    string Name,
    string What,
    string Alert,
    Func<DrillRun, Task> BreakAsync,
    Func<DrillRun, Task> WatchAsync,
    Func<DrillRun, Task> MendAsync);

/// <summary>One thing that a drill looked at.</summary>
/// <param name="What">What must hold.</param>
/// <param name="Ok">Whether it did.</param>
/// <param name="Detail">What was seen; never a secret.</param>
internal sealed record DrillCheck(string What, bool Ok, string Detail);

/// <summary>How a drill ended.</summary>
/// <param name="Name">The drill's.</param>
/// <param name="Alert">The alert whose figures showed it.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="Took">All of it.</param>
/// <param name="Recovery">From the first step of the runbook until calls were decided again.</param>
/// <param name="Checks">What it looked at, in that order.</param>
internal sealed record DrillResult(string Name, string Alert, DateTimeOffset StartedAt, TimeSpan Took, TimeSpan Recovery, IReadOnlyList<DrillCheck> Checks)
{
    public bool Passed => Checks.Count > 0 && Checks.All(check => check.Ok);
}
