using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>How far the ratio of a number of calls strays by itself.</summary>
/// <param name="Calls">How many calls each of its two p99 was of.</param>
/// <param name="Ratios">Sorted.</param>
internal sealed record NullRatio(int Calls, double[] Ratios)
{
    /// <summary>The ratio that a share of them stays below; 0 when there are none.</summary>
    public double Quantile(double share) => Ratios.Length == 0 ? 0 : Ratios[(int)Math.Min(Ratios.Length - 1, share * Ratios.Length)];

    /// <summary>The share over a mark.</summary>
    public double Over(double mark) => Ratios.Length == 0 ? 0 : Ratios.Count(ratio => ratio > mark) / (double)Ratios.Length;
}

/// <summary>
/// What <c>bench rotate</c> would have told of a class that rotates nothing: calls of a stretch without any rotation, cut in the order
/// of their beginnings into before and during, before and during, as two passes do. A ratio that nothing reaches as often is no finding.
/// </summary>
internal static class NullRatios
{
    /// <summary>How many calls are looked at as one.</summary>
    private static readonly int[] Sizes = [260, 500, 1000, 2000, 4000];

    /// <summary>One row for each number of calls that fits.</summary>
    public static IReadOnlyList<NullRatio> Of(IEnumerable<LoadedCall> calls)
    {
        var ticks = calls.Where(call => call.Failure is null).OrderBy(call => call.Started).Select(call => call.Ticks).ToArray();
        return [.. Sizes.Select(size => new NullRatio(size, Ratios(ticks, size / 2))).Where(row => row.Ratios.Length > 0)];
    }

    // Each begins half a block after the one before: they are not independent of each other, but there are more of them.
    private static double[] Ratios(long[] ticks, int block)
    {
        var ratios = new List<double>();
        for (var at = 0; at + (4 * block) <= ticks.Length; at += Math.Max(1, block / 2))
        {
            long[] Blocks(int first) => [.. ticks[(at + (first * block))..(at + ((first + 1) * block))].Concat(ticks[(at + ((first + 2) * block))..(at + ((first + 3) * block))]).Order()];
            ratios.Add(ClassFigures.P99(Blocks(1)) / Math.Max(0.001, ClassFigures.P99(Blocks(0))));
        }

        return [.. ratios.Order()];
    }

    public static string ToJsonLine(IReadOnlyList<NullRatio> rows) => new JsonObject
    {
        ["null"] = new JsonArray([.. rows.Select(row => new JsonObject
        {
            ["calls"] = row.Calls,
            ["ratios"] = row.Ratios.Length,
            ["median"] = Math.Round(row.Quantile(0.5), 2),
            ["p95"] = Math.Round(row.Quantile(0.95), 2),
            ["most"] = Math.Round(row.Quantile(1), 2),
            ["share_over_2"] = Math.Round(row.Over(2), 3),
        })]),
    }.ToJsonString();

    public static void Print(IReadOnlyList<NullRatio> rows, Terminal terminal) => terminal.Table(
        ["CALLS EACH", "RATIOS", "MEDIAN", "P95", "MOST", "OVER 2"],
        [.. rows.Select(row => (IReadOnlyList<string?>)
        [
            Text(row.Calls), Text(row.Ratios.Length), Text(row.Quantile(0.5)), Text(row.Quantile(0.95)), Text(row.Quantile(1)), Text(100 * row.Over(2)) + " %",
        ])]);

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
