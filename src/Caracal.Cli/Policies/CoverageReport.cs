using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Rego;

namespace Caracal.Cli.Policies;

/// <summary>Which lines of the policies the tests reached. Files that hold tests are not counted: they reach themselves.</summary>
internal sealed class CoverageReport
{
    private readonly List<FileCoverage> files;

    public CoverageReport(IEnumerable<RegoLine> lines, IEnumerable<string> testFiles)
    {
        var tests = testFiles.ToHashSet(StringComparer.Ordinal);
        files = [.. lines.Where(line => !tests.Contains(line.File)).GroupBy(line => line.File, StringComparer.Ordinal).Select(FileCoverage.Of)];
    }

    /// <summary>Reached lines of all lines; 100 when there is nothing to reach.</summary>
    public double Percent => Share(files.Sum(f => f.Reached), files.Sum(f => f.Total));

    public void Print(Terminal terminal)
    {
        if (files.Count > 0)
        {
            terminal.Table(
                ["file", "lines", "reached", "not reached"],
                [.. files.Select(f => (IReadOnlyList<string?>)[f.File, Number(f.Total), $"{Text(f.Percent)} %", f.Missed.Count == 0 ? null : Ranges(f.Missed)])]);
        }

        terminal.Line($"coverage {Text(Percent)} %");
    }

    public JsonObject Json() => new()
    {
        ["percent"] = Math.Round(Percent, 1),
        ["files"] = PolicyJson.Array(files.Select(f => new JsonObject
        {
            ["file"] = f.File,
            ["lines"] = f.Total,
            ["reached"] = f.Reached,
            ["percent"] = Math.Round(f.Percent, 1),
            ["not_reached"] = PolicyJson.Array(f.Missed.Select(line => (JsonNode?)line)),
        })),
    };

    private static double Share(int reached, int total) => total == 0 ? 100 : 100.0 * reached / total;

    private static string Text(double percent) => percent.ToString("F1", CultureInfo.InvariantCulture);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Line numbers with neighbours drawn together, such as <c>3-5, 9</c>.</summary>
    private static string Ranges(IReadOnlyList<int> lines)
    {
        var parts = new List<string>();
        for (var i = 0; i < lines.Count; i++)
        {
            var first = lines[i];
            while (i + 1 < lines.Count && lines[i + 1] == lines[i] + 1) i++;
            parts.Add(first == lines[i] ? Number(first) : $"{Number(first)}-{Number(lines[i])}");
        }

        return string.Join(", ", parts);
    }

    private sealed record FileCoverage(string File, int Total, int Reached, IReadOnlyList<int> Missed)
    {
        public double Percent => Share(Reached, Total);

        public static FileCoverage Of(IGrouping<string, RegoLine> lines) =>
            new(lines.Key, lines.Count(), lines.Count(l => l.Reached), [.. lines.Where(l => !l.Reached).Select(l => l.Line)]);
    }
}
