using System.Text.RegularExpressions;

namespace Caracal.Architecture.Tests.Operations;

/// <summary>A test that says what it shows: <c>[Trait("requirement", "R1")]</c>, with a case of it in round brackets.</summary>
/// <param name="Requirement">R1 to R151.</param>
/// <param name="Test"><c>Project.Class.Method</c>.</param>
/// <param name="Case">The case that shows it; empty when all do.</param>
/// <param name="Source">The file it stands in and the tables beside it that this file names, without these marks.</param>
internal sealed record Shown(string Requirement, string Test, string Case, string Source);

/// <summary>What every test of the tree shows, found in its source.</summary>
internal static partial class TestSources
{
    public static IReadOnlyList<Shown> All { get; } = Read();

    private static List<Shown> Read()
    {
        var found = new List<Shown>();
        foreach (var (project, file) in Repository.Projects("tests").Select(pair => (pair.Key, Path.GetDirectoryName(pair.Value)!)))
        {
            var name = project.Replace("Caracal.", "", StringComparison.Ordinal).Replace(".Tests", "", StringComparison.Ordinal);
            foreach (var source in Directory.EnumerateFiles(file, "*.cs", SearchOption.AllDirectories).Where(IsOurs))
            {
                var text = File.ReadAllText(source);
                var tables = Directory.EnumerateFiles(Path.GetDirectoryName(source)!, "*Faults.cs")
                    .Where(table => text.Contains(Path.GetFileNameWithoutExtension(table) + ".All", StringComparison.Ordinal)).Select(File.ReadAllText);
                var cases = Requirement().Replace(text, "") + string.Concat(tables);
                found.AddRange(In(text).Select(shown => new Shown(shown.Requirement, $"{name}.{shown.Test}", shown.Case, cases)));
            }
        }

        return found;
    }

    // Generated files lie below obj and hold no tests of ours.
    private static bool IsOurs(string path) => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    // A mark counts on a test that runs: one that is skipped, or a method that is no test, shows nothing.
    private static IEnumerable<(string Requirement, string Test, string Case)> In(string text)
    {
        var (type, runs) = ("", false);
        var shown = new List<(string Requirement, string Case)>();
        foreach (var line in text.Split('\n'))
        {
            if (Type().Match(line) is { Success: true } declared) type = declared.Groups[1].Value;
            if (Mark().Match(line) is { Success: true } mark) runs = !mark.Value.Contains("Skip", StringComparison.Ordinal);
            if (Requirement().Match(line) is { Success: true } requirement) shown.Add((requirement.Groups["id"].Value, requirement.Groups["case"].Value));
            if (Method().Match(line) is not { Success: true } method) continue;
            foreach (var (id, only) in runs ? shown : []) yield return (id, $"{type}.{method.Groups[1].Value}", only);
            runs = false;
            shown.Clear();
        }
    }

    [GeneratedRegex(@"^\s*(?:public|internal)[\w\s]* class (\w+)")]
    private static partial Regex Type();

    [GeneratedRegex(@"^\s*\[(?:Fact|Theory)\b.*")]
    private static partial Regex Mark();

    [GeneratedRegex(@"\[Trait\(""requirement"", ""(?<id>R\d+)(?: \((?<case>[^)]+)\))?""\)\]", RegexOptions.ExplicitCapture)]
    private static partial Regex Requirement();

    [GeneratedRegex(@"^\s*public .*?\b(\w+)\(")]
    private static partial Regex Method();
}
