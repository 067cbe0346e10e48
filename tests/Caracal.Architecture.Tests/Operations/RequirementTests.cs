using System.Text;

namespace Caracal.Architecture.Tests.Operations;

/// <summary>
/// docs/operations/requirements.md: each of the 151 requirements, and the tests that say of themselves that they show it. It is
/// made from requirements.txt and the tests: run these with CARACAL_WRITE_DOCS=1 to write it anew.
/// </summary>
public sealed class RequirementTests
{
    private const int Requirements = 151;

    private static readonly string Page = Path.Combine(Repository.Root, "docs", "operations", "requirements.md");

    private static readonly IReadOnlyList<(string Id, string Text)> Rows =
    [
        .. File.ReadLines(Path.Combine(Repository.Root, "tests", "Caracal.Architecture.Tests", "Operations", "requirements.txt"))
            .Select(line => line.Split(' ', 2)).Select(parts => (parts[0], parts[1])),
    ];

    [Fact]
    public void Every_requirement_has_one_row_in_its_place() =>
        Assert.Equal(Enumerable.Range(1, Requirements).Select(number => $"R{number}"), Rows.Select(row => row.Id));

    [Fact]
    public void Every_requirement_is_shown_by_a_test_that_runs() =>
        Assert.Equal([], Rows.Select(row => row.Id).Except(TestSources.All.Select(shown => shown.Requirement), StringComparer.Ordinal));

    [Fact]
    public void No_test_shows_what_was_not_asked_for_or_by_a_case_that_is_not_there()
    {
        var asked = Rows.Select(row => row.Id).ToHashSet(StringComparer.Ordinal);
        Assert.Equal([], TestSources.All.Where(shown => !asked.Contains(shown.Requirement)).Select(shown => $"{shown.Test} shows {shown.Requirement}"));
        Assert.Equal([], TestSources.All.Where(shown => !shown.Source.Contains(shown.Case, StringComparison.Ordinal)).Select(shown => $"{shown.Test} has no case {shown.Case}"));
    }

    [Fact]
    public void The_page_is_what_the_tests_say()
    {
        var made = Make();
        if (Environment.GetEnvironmentVariable("CARACAL_WRITE_DOCS") == "1") File.WriteAllText(Page, made);
        Assert.Equal(made, File.ReadAllText(Page).ReplaceLineEndings("\n"));
    }

    private static string Make()
    {
        var text = new StringBuilder(
            """
            # What was asked for, and what shows it

            Requirements R1 to R151 come from the documents this product was built for. A test says of itself which of them it shows, by
            `[Trait("requirement", "R1")]`; a name in round brackets is the case of it that does. `RequirementTests` makes this page from them: a
            requirement that no test shows, a case that is not there, or a page that is not what the tests say fails the build. Every test runs in
            `./test`, and the suite has no skipped ones, so a green build is the report.


            """.ReplaceLineEndings("\n"));
        var shown = TestSources.All.ToLookup(test => test.Requirement, StringComparer.Ordinal);
        var bare = Rows.Count(row => !shown.Contains(row.Id));
        text.Append(bare == 0 ? $"All {Rows.Count} have a test.\n\n" : $"{Rows.Count - bare} of {Rows.Count} have a test.\n\n");
        text.Append("| Row | What must hold | Shown by |\n|---|---|---|\n");
        foreach (var (id, what) in Rows)
        {
            var tests = shown[id].OrderBy(test => test.Test, StringComparer.Ordinal).ThenBy(test => test.Case, StringComparer.Ordinal)
                .Select(test => test.Case.Length == 0 ? $"`{test.Test}`" : $"`{test.Test}` ({test.Case})");
            text.Append($"| {id} | {what} | {string.Join(", ", tests)} |\n");
        }

        return text.ToString();
    }
}
