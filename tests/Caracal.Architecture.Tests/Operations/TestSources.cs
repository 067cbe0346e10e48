using System.Text.RegularExpressions;

namespace Caracal.Architecture.Tests.Operations;

/// <summary>Every test method of the tree, found in its source: <c>Project.Class.Method</c>.</summary>
internal static partial class TestSources
{
    /// <summary>Name of a test to the text of the file it stands in, and of the tables beside it that this file names.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = Read();

    private static Dictionary<string, string> Read()
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (project, file) in Repository.Projects("tests").Select(pair => (pair.Key, Path.GetDirectoryName(pair.Value)!)))
        {
            var name = project.Replace("Caracal.", "", StringComparison.Ordinal).Replace(".Tests", "", StringComparison.Ordinal);
            foreach (var source in Directory.EnumerateFiles(file, "*.cs", SearchOption.AllDirectories).Where(IsOurs))
            {
                var text = File.ReadAllText(source);
                var tables = Directory.EnumerateFiles(Path.GetDirectoryName(source)!, "*Faults.cs")
                    .Where(table => text.Contains(Path.GetFileNameWithoutExtension(table) + ".All", StringComparison.Ordinal)).Select(File.ReadAllText);
                var cases = text + string.Concat(tables);
                foreach (var test in In(text)) found[$"{name}.{test}"] = cases;
            }
        }

        return found;
    }

    // Generated files lie below obj and hold no tests of ours.
    private static bool IsOurs(string path) => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    private static IEnumerable<string> In(string text)
    {
        var type = "";
        var marked = false;
        foreach (var line in text.Split('\n'))
        {
            if (Type().Match(line) is { Success: true } declared) type = declared.Groups[1].Value;
            if (Mark().Match(line) is { Success: true } mark) marked = !mark.Value.Contains("Skip", StringComparison.Ordinal);
            if (marked && Method().Match(line) is { Success: true } method)
            {
                marked = false;
                yield return $"{type}.{method.Groups[1].Value}";
            }
        }
    }

    [GeneratedRegex(@"^\s*(?:public|internal)[\w\s]* class (\w+)")]
    private static partial Regex Type();

    [GeneratedRegex(@"^\s*\[(?:Fact|Theory)\b.*")]
    private static partial Regex Mark();

    [GeneratedRegex(@"^\s*public .*?\b(\w+)\(")]
    private static partial Regex Method();
}
