using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>What the rotations of one class did to the load.</summary>
/// <param name="Class">The class.</param>
/// <param name="Rotations">How many there were.</param>
/// <param name="Seconds">Of all of them together.</param>
/// <param name="Before">Sorted durations of calls before, in Stopwatch ticks.</param>
/// <param name="During">Sorted durations of calls that were under way while it was rotated.</param>
/// <param name="After">Sorted durations of calls after.</param>
/// <param name="Failures">Calls that failed during its rotations and after them.</param>
internal sealed record ClassFigures(string Class, int Rotations, double Seconds, long[] Before, long[] During, long[] After, int Failures)
{
    /// <summary>How many times the p99 before the p99 during is.</summary>
    public double Ratio => P99(During) / Math.Max(0.001, P99(Before));

    /// <summary>In milliseconds; 0 when there was no call.</summary>
    public static double P99(long[] sorted) =>
        sorted.Length == 0 ? 0 : sorted[(int)Math.Min(sorted.Length - 1, 0.99 * sorted.Length)] * 1000.0 / Stopwatch.Frequency;
}

/// <summary>The whole run.</summary>
internal sealed record RotationFigures(IReadOnlyList<ClassFigures> Classes, int Requests, IReadOnlyCollection<string> Failures, int Values, int Files, string? Leak)
{
    /// <summary>How many times longer the p99 during a rotation may be than before it.</summary>
    private const double Mark = 2;

    /// <summary>The class that held requests up most.</summary>
    public ClassFigures Worst => Classes.MaxBy(row => row.Ratio)!;

    private double RatioOfAll => ClassFigures.P99(All(row => row.During)) / Math.Max(0.001, ClassFigures.P99(All(row => row.Before)));

    public string ToJsonLine() => new JsonObject
    {
        ["classes"] = new JsonArray([.. Classes.Select(row => new JsonObject
        {
            ["class"] = row.Class,
            ["rotations"] = row.Rotations,
            ["requests"] = row.During.Length,
            ["failures"] = row.Failures,
            ["p99_before_ms"] = Rounded(ClassFigures.P99(row.Before)),
            ["p99_during_ms"] = Rounded(ClassFigures.P99(row.During)),
            ["p99_after_ms"] = Rounded(ClassFigures.P99(row.After)),
            ["p99_ratio"] = Rounded(row.Ratio),
            ["requests_before"] = row.Before.Length,
            ["seconds"] = Rounded(row.Seconds),
        })]),
        ["requests"] = Requests,
        ["failures"] = Failures.Count,
        ["p99_ratio"] = Rounded(Worst.Ratio),
        ["p99_ratio_of_all"] = Rounded(RatioOfAll),
        ["values_searched"] = Values,
        ["files_searched"] = Files,
        ["leaks"] = Leak is null ? 0 : 1,
    }.ToJsonString();

    public void Print(Terminal terminal)
    {
        terminal.Table(
            ["CLASS", "ROTATIONS", "SECONDS", "REQUESTS", "FAILURES", "P99 BEFORE", "DURING", "AFTER", "DURING/BEFORE"],
            [.. Classes.Select(row => (IReadOnlyList<string?>)
            [
                row.Class, Text(row.Rotations), Text(row.Seconds), Text(row.During.Length), Text(row.Failures),
                $"{Text(ClassFigures.P99(row.Before))} ms", $"{Text(ClassFigures.P99(row.During))} ms", $"{Text(ClassFigures.P99(row.After))} ms", Text(row.Ratio),
            ])]);
        terminal.Line($"{Requests} requests, {Failures.Count} failures; p99 during all rotations is {Text(RatioOfAll)} times that before them");
        var most = $"most for {Worst.Class}: {Text(Worst.Ratio)} times (mark: at most {Text(Mark)})";
        if (Worst.Ratio <= Mark) terminal.Success(most);
        else terminal.Warning(most);
        foreach (var failure in Failures.Distinct().Take(10)) terminal.Error(failure);
        if (Leak is null) terminal.Success($"none of {Values} old and new values is in any of {Files} files the stack and this command wrote");
        else terminal.Error($"{Leak} holds a value");
    }

    private long[] All(Func<ClassFigures, long[]> of) => [.. Classes.SelectMany(of).Order()];

    private static double Rounded(double value) => Math.Round(value, 2);

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
