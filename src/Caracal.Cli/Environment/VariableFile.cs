using System.Text.RegularExpressions;

namespace Caracal.Cli.Environment;

/// <summary><c>KEY=VALUE</c> files: comments with <c>#</c>, optional single or double quotes (cli.md 3.2).</summary>
internal static partial class VariableFile
{
    /// <summary>The assignments in order; <paramref name="malformed"/> counts lines that are none.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Parse(string text, out int malformed)
    {
        malformed = 0;
        var assignments = new List<KeyValuePair<string, string>>();
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            var match = Assignment().Match(line);
            if (!match.Success)
            {
                malformed++;
                continue;
            }

            assignments.Add(KeyValuePair.Create(match.Groups[1].Value, Unquote(match.Groups[2].Value.Trim())));
        }

        return assignments;
    }

    private static string Unquote(string value) =>
        value.Length >= 2 && value[0] is '"' or '\'' && value[^1] == value[0] ? value[1..^1] : value;

    [GeneratedRegex(@"^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$")]
    private static partial Regex Assignment();
}
