using System.Text.RegularExpressions;
using Caracal.Rego;

namespace Caracal.Authority.Policies;

/// <summary>What a policy source declares, once it was found valid.</summary>
public sealed record PolicyPreview
{
    public required string Package { get; init; }

    /// <summary>Names of the rules, sorted.</summary>
    public required IReadOnlyList<string> Rules { get; init; }

    public required bool DefaultResult { get; init; }

    public required IReadOnlyList<string> Decisions { get; init; }

    public required IReadOnlyList<string> InputsReferenced { get; init; }

    public required IReadOnlyList<string> DataReferenced { get; init; }

    /// <summary>A full decision policy that brings its own <c>result</c> instead of a data document.</summary>
    public required bool Custom { get; init; }
}

/// <summary>The first rule a policy source breaks, or what it declares.</summary>
/// <param name="Code">Null when the source is valid.</param>
/// <param name="Preview">Null when it is not.</param>
public sealed record PolicyVerdict(string? Code, PolicyPreview? Preview);

/// <summary>The content validator (api.md 9.1, sts.md 10.2): thirteen steps, the first failure answers.</summary>
public static partial class PolicyContent
{
    /// <summary>The only schema version there is.</summary>
    public const string SchemaVersion = "2026-05-20";

    /// <summary>Longest source, in UTF-16 units.</summary>
    public const int MaximumLength = 262_144;

    /// <summary>The package every policy lives in.</summary>
    public const string Package = "caracal.authz";

    /// <summary>The documents a data document may define.</summary>
    public static readonly IReadOnlyList<string> DataRoots = ["app_ids", "grants", "confinement", "restrict", "risk", "approval_tiers"];

    /// <summary>Builtins that reach the network, the clock, the process or randomness.</summary>
    public static readonly IReadOnlyList<string> ForbiddenBuiltins =
    [
        "http.send", "net.lookup_ip_addr", "net.cidr_contains", "net.cidr_intersects", "net.cidr_expand", "net.cidr_merge",
        "opa.runtime", "rand.intn", "time.now_ns",
    ];

    /// <param name="content">The source.</param>
    /// <param name="customAllowed"><c>POLICY_CUSTOM_REGO</c>: whether a policy may bring its own <c>result</c>.</param>
    public static PolicyVerdict Validate(string content, bool customAllowed)
    {
        if (string.IsNullOrWhiteSpace(content)) return Broken("empty_policy");
        if (content.Length > MaximumLength) return Broken("content_too_large");
        if (PolicyText.Strip(content) is not { } text) return Broken("unterminated_string");
        if (!text.IsBalanced()) return Broken("unbalanced_delimiters");
        if (PackageLine().Match(text.Code) is not { Success: true } package) return Broken("missing_package_declaration");
        if (!DottedName().IsMatch(package.Groups["x"].Value)) return Broken("invalid_package_name");

        var syntax = RegoParser.Inspect(content);
        var heads = PolicyHeads.Of(text, syntax);
        if (ForbiddenCall(text, syntax) is { } builtin) return Broken($"forbidden_builtin:{builtin}");
        if (package.Groups["x"].Value != Package) return Broken("must_use_package_caracal_authz");

        var custom = customAllowed && !text.HasDataDirective && heads.Defines("result");
        if (!custom && DataDocumentProblem(text, heads) is { } problem) return Broken(problem);
        if (CompileProblem(content, heads, custom) is { } error) return Broken(error);
        return new PolicyVerdict(null, Describe(content, text, package.Groups["x"].Value, heads, custom));
    }

    private static PolicyVerdict Broken(string code) => new(code, null);

    private static string? DataDocumentProblem(PolicyText text, PolicyHeads heads)
    {
        if (!text.HasDataDirective) return "must_be_data_document";
        if (heads.Defines("result")) return "data_document_must_not_define_result";
        if (heads.Names.Count == 0) return "data_document_must_define_data";
        var stranger = heads.Names.FirstOrDefault(name => !DataRoots.Contains(name));
        return stranger is null ? null : $"data_document_rule_not_allowed:{stranger}";
    }

    private static string? ForbiddenCall(PolicyText text, ModuleInspection syntax)
    {
        // The text finds a call even in a source the parser refuses; the parser finds one however it is spelled.
        var match = ForbiddenBuiltinCall().Match(text.Code);
        return match.Success
            ? match.Groups["x"].Value
            : syntax.Module?.Builtins.FirstOrDefault(ForbiddenBuiltins.Contains);
    }

    private static string? CompileProblem(string content, PolicyHeads heads, bool custom)
    {
        List<RegoModule> modules = [new("policy.rego", content)];
        if (custom)
        {
            // A decision policy may read the data documents of its bundle by their bare names; which ones the bundle
            // has is known only at the manifest, so empty ones stand in here.
            var absent = DataRoots.Where(root => !heads.Defines(root)).Select(root => $"{root} := {{}}");
            modules.Add(new RegoModule("documents.rego", $"package {Package}\nimport rego.v1\n{string.Join('\n', absent)}\n"));
        }

        var compilation = RegoCompiler.Compile(modules, RegoCompilerOptions.Product);
        return compilation.Succeeded ? null : Describe(compilation.Errors[0]);
    }

    private static string Describe(RegoError error) => $"{error.Line}:{error.Column}: {error.Code}: {error.Message}";

    private static PolicyPreview Describe(string content, PolicyText text, string package, PolicyHeads heads, bool custom) => new()
    {
        Package = package,
        Rules = [.. heads.Names.Order(StringComparer.Ordinal)],
        DefaultResult = heads.HasDefaultResult,
        Decisions = Distinct(DecisionPair().Matches(content).Select(match => match.Groups["x"].Value)),
        InputsReferenced = Distinct(InputPath().Matches(text.Code).Select(match => match.Value)),
        DataReferenced = Distinct(DataPath().Matches(text.Code).Select(match => match.Value)),
        Custom = custom,
    };

    private static List<string> Distinct(IEnumerable<string> values) => [.. values.Distinct().Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"^[ \t]*package[ \t]+(?<x>[^\s;]+)", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex PackageLine();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$", RegexOptions.CultureInvariant)]
    private static partial Regex DottedName();

    [GeneratedRegex(
        @"(?<![A-Za-z0-9_.])(?<x>http\.send|net\.lookup_ip_addr|net\.cidr_contains|net\.cidr_intersects|net\.cidr_expand|net\.cidr_merge|opa\.runtime|rand\.intn|time\.now_ns)\s*\(",
        RegexOptions.CultureInvariant)]
    private static partial Regex ForbiddenBuiltinCall();

    [GeneratedRegex("\"decision\"\\s*:\\s*\"(?<x>allow|deny)\"", RegexOptions.CultureInvariant)]
    private static partial Regex DecisionPair();

    [GeneratedRegex(@"(?<![A-Za-z0-9_.])input(?:\.[A-Za-z_][A-Za-z0-9_]*)+", RegexOptions.CultureInvariant)]
    private static partial Regex InputPath();

    [GeneratedRegex(@"(?<![A-Za-z0-9_.])data(?:\.[A-Za-z_][A-Za-z0-9_]*)+", RegexOptions.CultureInvariant)]
    private static partial Regex DataPath();
}
