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

    // Read in ways that the patterns below do not see.
    private static readonly (string Name, string Role, string Kind, string Default)[] Others =
    [
        ("LOG_LEVEL", "every role", "text", "info"), ("INSECURE_HTTP", "every role", "true or false", "false"), ("INSECURE_STS", "every role", "true or false", "false"),
        ("CARACAL_INSTANCE_URL", "every role", "address", "see its role"), ("STS_JWKS_URL", "API", "address", "–"), ("STS_ISSUER_URL", "API", "address", "–"),
        ("CARACAL_STS_ISSUER_URL", "every role", "address", "–"), ("CARACAL_STS_URL", "command line", "address", "http://127.0.0.1:8080"),
        ("CARACAL_ZONE_URL", "command line", "address", "–"), ("CARACAL_AUDIT_URL", "command line", "address", "http://127.0.0.1:9090"),
        ("POSTGRES_USER", "command line", "text", "caracal"), ("POSTGRES_DB", "command line", "text", "caracal"), ("MIGRATION_ADVISORY_LOCK_KEY", "command line", "whole number", "4732518903281471"),
        ("NODE_ENV", "command line", "text", "–"), ("NO_COLOR", "command line", "text", "–"), ("FORCE_COLOR", "command line", "text", "–"), ("LC_ALL", "command line", "text", "–"),
        ("LC_CTYPE", "command line", "text", "–"),
    ];

    private static readonly (string Name, string File, string Class)[] OtherSecrets =
    [
        ("SECRET_STORE_KEK", "`secretStoreKek`", "zone-kek, by its former name"), ("STS_ADMIN_TOKEN", "–", "admin token of the STS"), ("AUDIT_ADMIN_TOKEN", "–", "admin token of Audit"),
        ("BOOTSTRAP_ADMIN_TOKEN", "–", "`CARACAL_ADMIN_TOKEN` of the API, by its former name"), ("CONTROL_API_TOKEN", "–", "how Control enters the API"),
        ("AUDIT_FEED_WEBHOOK_SECRET", "–", "signs the ledger's feed"), ("OTEL_EXPORTER_OTLP_HEADERS", "–", "what the collector asks for"),
        ("ZONE_KEK_OLD", "–", "of `caracal keys reencrypt`"), ("ZONE_KEK_NEW", "–", "of `caracal keys reencrypt`"), ("DATABASE_URL", "`<role>DatabaseUrl`", "–"), ("REDIS_URL", "`<role>RedisUrl`", "–"),
    ];

    // Named in the code and not read as settings of ours: what caracal run keeps from a child or gives it, what up --compose hands to
    // the engine, what marks our own child processes, and secrets of v1.0 that the operator's environment must not leak.
    private static readonly HashSet<string> NotRead = new(StringComparer.Ordinal)
    {
        "BASH_ENV", "BUN_OPTIONS", "DOTNET_STARTUP_HOOKS", "DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH", "GIT_SSH_COMMAND", "HTTPS_PROXY", "HTTP_PROXY", "JAVA_TOOL_OPTIONS",
        "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD", "NODE_OPTIONS", "NO_PROXY", "SSH_AUTH_SOCK", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "CARACAL_DETACHED_LOG", "CARACAL_IMAGE", "DATABASE_URL_FILE",
        "CARACAL_APP_CLIENT_SECRET", "CARACAL_AZURE_CLIENT_SECRET", "CARACAL_BOOTSTRAP_TOKEN", "CARACAL_CUSTOM_SECRETS_TOKEN", "CARACAL_INFISICAL_TOKEN", "CARACAL_SMTP_URL",
        "CARACAL_VAULT_TOKEN", "GITHUB_CLIENT_SECRET", "GOOGLE_CLIENT_SECRET",
    };

    [Fact]
    public void Every_name_in_the_code_is_on_the_page_or_is_none_that_is_read()
    {
        var page = Make();
        var unknown = Sources().SelectMany(found => Literal().Matches(found.Source).Select(match => match.Groups["name"].Value)).Distinct(StringComparer.Ordinal)
            .Where(name => !NotRead.Contains(name) && !page.Contains($"`{name}`", StringComparison.Ordinal));
        Assert.Equal("", string.Join(' ', unknown));
    }

    [Fact]
    [Trait("requirement", "R43")]
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
        foreach (var (variable, file, what) in OtherSecrets) text.Append($"| `{variable}` | {file} | {what} |\n");
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static IEnumerable<(string Name, string Role, string Kind, string Default)> Settings()
    {
        foreach (var (role, source) in Sources())
        {
            foreach (Match match in Read().Matches(source)) yield return (match.Groups["name"].Value, role, Kind(match.Groups["kind"].Value), Default(match));
            foreach (Match match in Looked().Matches(source)) yield return (match.Groups["name"].Value, role, "text", "–");
            foreach (Match match in Helped().Matches(source)) yield return (match.Groups["name"].Value, role, Kind(match.Groups["kind"].Value), Default(match));
        }

        foreach (var other in Others) yield return other;
    }

    private static IEnumerable<(string Role, string Source)> Sources() => Projects.SelectMany(project => Directory
        .EnumerateFiles(Path.Combine(Repository.Root, "src", project.Project), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
        .Select(file => (project.Role, File.ReadAllText(file))));

    private static string Kind(string method) => method switch
    {
        "Integer" => "whole number",
        "Boolean" => "true or false",
        "Duration" => "duration",
        "Milliseconds" => "milliseconds",
        "List" => "list by commas",
        "Url" or "ServiceUrl" or "RequiredUrl" or "Address" => "address",
        "Days" => "days",
        "Seconds" => "seconds",
        "Networks" or "ReadNetworks" => "networks by commas",
        "Number" => "whole number",
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

    // Readers that a role has for itself.
    [GeneratedRegex(@"\b(?<kind>Days|Seconds|Networks|ReadNetworks|RequiredUrl|Address|Number)\((?:reader, )?""(?<name>[A-Z][A-Z0-9_]+)""(?:, (?<default>[\d_]+))?", RegexOptions.ExplicitCapture)]
    private static partial Regex Helped();

    [GeneratedRegex(@"""(?<name>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Literal();

    [GeneratedRegex(@"\b[vV]ariables(?:\[|\.Has\(|\.WithDefault\()""(?<name>(?:CARACAL|XDG|PG|POSTGRES|MIGRATION|HEALTH|TLS)[A-Z0-9_]*)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Looked();

    [GeneratedRegex(@"^TimeSpan\.From(?<unit>Seconds|Minutes|Hours|Days)\((?<number>\d+)\)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Span();

    [GeneratedRegex(@"^(?:[\d *]+|true|false)$")]
    private static partial Regex Constant();
}
