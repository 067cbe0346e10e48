using System.Text.RegularExpressions;

namespace Caracal.Architecture.Tests.Operations;

/// <summary>docs/operations/requirements.md: each of the 151 requirements, and the test that shows it.</summary>
public sealed partial class RequirementTests
{
    private const int Requirements = 151;

    // Raising it is a decision to show less.
    private const int RowsWithoutATest = 0;

    private static readonly IReadOnlyList<(string Id, string Text, string Shown)> Rows =
    [
        .. Row().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations", "requirements.md")))
            .Select(match => (match.Groups["id"].Value, match.Groups["text"].Value.Trim(), match.Groups["shown"].Value.Trim())),
    ];

    [Fact]
    public void Every_requirement_has_one_row_in_its_place() =>
        Assert.Equal(Enumerable.Range(1, Requirements).Select(number => $"R{number}"), Rows.Select(row => row.Id));

    [Fact]
    public void Refuses_a_row_without_a_test_or_a_reason()
    {
        var bare = Rows.Where(row => row.Text.Length < 10 || (Named(row.Shown).Count == 0 && Reason().Match(row.Shown) is not { Success: true }));
        Assert.Equal([], bare.Select(row => row.Id));
        Assert.InRange(Rows.Count(row => Named(row.Shown).Count == 0), 0, RowsWithoutATest); // No row loses its test.
    }

    [Fact]
    public void Refuses_a_row_that_names_a_test_which_does_not_run()
    {
        var wrong = new List<string>();
        foreach (var (id, _, shown) in Rows)
        {
            foreach (var (test, only) in Named(shown))
            {
                if (!TestSources.All.TryGetValue(test, out var source)) wrong.Add($"{id}: there is no test {test}");
                else if (only.Length > 0 && !source.Contains(only, StringComparison.Ordinal)) wrong.Add($"{id}: {test} has no case {only}");
            }
        }

        Assert.Equal([], wrong);
    }

    private static List<(string Test, string Case)> Named(string cell) =>
        [.. Test().Matches(cell).Select(match => (match.Groups[1].Value, match.Groups[2].Value))];

    [GeneratedRegex(@"^\| (?<id>R\d+) \| (?<text>.*?) \| (?<shown>.*?) \|\s*$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Row();

    // `Project.Class.Method`, and in round brackets what the case of it says.
    [GeneratedRegex(@"`([A-Z]\w+\.\w+\.\w+)`(?: \(([^)]+)\))?")]
    private static partial Regex Test();

    [GeneratedRegex(@"^No test: .{30,}")]
    private static partial Regex Reason();
}
