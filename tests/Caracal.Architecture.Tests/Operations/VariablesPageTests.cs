using System.Text;
using System.Text.RegularExpressions;
using Caracal.Keys.Secrets;

namespace Caracal.Architecture.Tests.Operations;

/// <summary>
/// docs/reference/variables.md lists every variable that the code reads, with its default, and nothing else. It is made from
/// the code: run these tests with CARACAL_WRITE_DOCS=1 to write it anew.
/// </summary>
public sealed partial class VariablesPageTests
{
    private static readonly string Page = Path.Combine(Repository.Root, "docs", "reference", "variables.md");
    private static readonly (string Project, string Role)[] Projects =
    [
        ("Caracal.Sts", "STS"), ("Caracal.Gateway", "Gateway"), ("Caracal.Coordinator", "Coordinator"), ("Caracal.ControlPlane", "API"), ("Caracal.Audit", "Audit"),
        ("Caracal.Console", "console"), ("Caracal.Hosting", "every role"), ("Caracal.Stack", "every role"), ("Caracal.Cli", "command line"),
    ];

    [Fact]
    public void The_page_is_what_the_code_reads()
    {
        var made = Make();
        if (Environment.GetEnvironmentVariable("CARACAL_WRITE_DOCS") == "1") File.WriteAllText(Page, made);
        Assert.Equal(made, File.ReadAllText(Page).ReplaceLineEndings("\n"));
    }

    [Theory]
    [InlineData("| `UPSTREAM_TIMEOUT` | Gateway | duration | 30 s |")]
    [InlineData("| `MAX_REQUEST_BYTES` | Gateway | whole number | 10 * 1024 * 1024 |")]
    [InlineData("| `POLICY_CUSTOM_REGO` | API, STS | true or false | true |")]
    [InlineData("| `ZONE_KEK` | `zoneKek` | zone-kek |")]
    [InlineData("| `CARACAL_MODE` |")]
    [InlineData("| `CARACAL_HOME` | command line |")]
    public void The_page_holds_what_readers_look_for(string row) => Assert.Contains(row, Make(), StringComparison.Ordinal);

    private static string Make()
    {
        var text = new StringBuilder(
            """
            # Variables

            Made from the code; a test fails when they differ. `ROLE__NAME` (`STS__`, `API__`, `GATEWAY__`, `COORDINATOR__`, `AUDIT__`, `CONSOLE__`) wins over
            `NAME` for that role. `–` means unset. [Modes](../operations/modes.md) says what each mode requires.

            ## Settings

            | Variable | Read by | Kind | Default |
            |---|---|---|---|

            """);
        foreach (var variable in Settings().GroupBy(found => found.Name).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var roles = string.Join(", ", variable.Select(found => found.Role).Distinct().Order(StringComparer.OrdinalIgnoreCase));
            var best = variable.OrderByDescending(found => found.Default.Length > 1).First();
            text.Append($"| `{variable.Key}` | {roles} | {best.Kind} | {best.Default} |\n");
        }

        text.Append(
            """

            ## Secrets

            Each may be the variable, `NAME_FILE`, or a file in `CARACAL_SECRETS_DIR`; keys also have the slots `_NEXT` and `_PREVIOUS`.

            | Variable | File | Class |
            |---|---|---|

            """);
        foreach (var secret in SecretFiles.Generated) text.Append($"| `{secret.Variable}` | `{secret.FileName}` | {secret.ClassId} |\n");
        foreach (var (variable, file) in new[] { ("DATABASE_URL", "`<role>DatabaseUrl`"), ("REDIS_URL", "`<role>RedisUrl`") }) text.Append($"| `{variable}` | {file} | – |\n");
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static IEnumerable<(string Name, string Role, string Kind, string Default)> Settings()
    {
        foreach (var (project, role) in Projects)
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", project), "*.cs", SearchOption.AllDirectories)
                .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            {
                var source = File.ReadAllText(file);
                foreach (Match match in Read().Matches(source)) yield return (match.Groups["name"].Value, role, Kind(match.Groups["kind"].Value), Default(match));
                foreach (Match match in Looked().Matches(source)) yield return (match.Groups["name"].Value, role, "text", "–");
            }
        }
    }

    private static string Kind(string method) => method switch
    {
        "Integer" => "whole number",
        "Boolean" => "true or false",
        "Duration" => "duration",
        "Milliseconds" => "milliseconds",
        "List" => "list by commas",
        "Url" or "ServiceUrl" => "address",
        _ => "text",
    };

    private static string Default(Match match)
    {
        var text = match.Groups["default"].Value.Trim();
        if (Span().Match(text) is { Success: true } span) return $"{span.Groups["number"].Value} {span.Groups["unit"].Value[..1].ToLowerInvariant()}";
        if (text.StartsWith('"')) return text.Length > 2 ? text.Trim('"') : "–";
        text = text.Replace("_", "", StringComparison.Ordinal);
        return text is "" or "null" ? "–" : Constant().IsMatch(text) ? text : "see its role";
    }

    [GeneratedRegex(@"\b(?:reader|settings)\.(?<kind>Text|Required|Integer|Boolean|Duration|Milliseconds|List|Url|ServiceUrl)\(""(?<name>[A-Z][A-Z0-9_]+)""(?:, (?!minimum|maximum)(?<default>""[^""]*""|[\w. *]+(?:\(\d+\))?))?", RegexOptions.ExplicitCapture)]
    private static partial Regex Read();

    [GeneratedRegex(@"\b[vV]ariables(?:\[|\.Has\(|\.WithDefault\()""(?<name>(?:CARACAL|XDG|PG|POSTGRES|MIGRATION|HEALTH|TLS)[A-Z0-9_]*)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Looked();

    [GeneratedRegex(@"^TimeSpan\.From(?<unit>Seconds|Minutes|Hours|Days)\((?<number>\d+)\)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Span();

    [GeneratedRegex(@"^(?:[\d *]+|true|false)$")]
    private static partial Regex Constant();
}
