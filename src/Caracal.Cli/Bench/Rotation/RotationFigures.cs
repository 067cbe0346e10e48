using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>What the rotations of one class did to the load.</summary>
/// <param name="Class">The class.</param>
/// <param name="Seconds">Of all its rotations together.</param>
/// <param name="Calm">Sorted durations before and after its rotations, in Stopwatch ticks.</param>
/// <param name="During">Sorted durations while it was rotated.</param>
/// <param name="Failures">Calls that failed from the first moment to the last.</param>
internal sealed record ClassFigures(string Class, double Seconds, long[] Calm, long[] During, int Failures);

/// <summary>The whole run.</summary>
internal sealed record RotationFigures(IReadOnlyList<ClassFigures> Classes, int Requests, IReadOnlyCollection<string> Failures, int Values, int Files, string? Leak)
{
    public double Ratio => P99([.. Classes.SelectMany(row => row.During).Order()]) / Math.Max(0.001, P99([.. Classes.SelectMany(row => row.Calm).Order()]));

    public string ToJsonLine() => new JsonObject
    {
        ["classes"] = new JsonArray([.. Classes.Select(row => new JsonObject
        {
            ["class"] = row.Class,
            ["requests"] = row.During.Length,
            ["failures"] = row.Failures,
            ["p99_calm_ms"] = Rounded(P99(row.Calm)),
            ["p99_during_ms"] = Rounded(P99(row.During)),
            ["seconds"] = Rounded(row.Seconds),
        })]),
        ["requests"] = Requests,
        ["failures"] = Failures.Count,
        ["p99_ratio"] = Rounded(Ratio),
        ["values_searched"] = Values,
        ["files_searched"] = Files,
        ["leaks"] = Leak is null ? 0 : 1,
    }.ToJsonString();

    public void Print(Terminal terminal)
    {
        terminal.Table(
            ["CLASS", "REQUESTS", "FAILURES", "P99 CALM", "P99 DURING", "SECONDS"],
            [.. Classes.Select(row => (IReadOnlyList<string?>)
            [
                row.Class, Text(row.During.Length), Text(row.Failures), $"{Text(P99(row.Calm))} ms", $"{Text(P99(row.During))} ms", Text(row.Seconds),
            ])]);
        terminal.Line($"{Requests} requests, {Failures.Count} failures; p99 during all rotations is {Text(Ratio)} times that between them");
        foreach (var failure in Failures.Distinct().Take(10)) terminal.Error(failure);
        if (Leak is null) terminal.Success($"none of {Values} old and new values is in any of {Files} files the stack and this command wrote");
        else terminal.Error($"{Leak} holds a value");
    }

    private static double P99(long[] sorted) =>
        sorted.Length == 0 ? 0 : sorted[(int)Math.Min(sorted.Length - 1, 0.99 * sorted.Length)] * 1000.0 / Stopwatch.Frequency;

    private static double Rounded(double value) => Math.Round(value, 2);

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
