using System.Text.RegularExpressions;
using Caracal.Rego;

namespace Caracal.Authority.Policies;

/// <summary>
/// The rules a policy defines (api.md 9.1 step 6): from the syntax tree, so that <c>result["x"]</c> counts as
/// <c>result</c> and a local does not count at all; from the text only when the source does not parse.
/// </summary>
internal sealed partial class PolicyHeads
{
    private static readonly HashSet<string> Keywords = ["package", "import", "else", "with", "default", "if", "not", "some", "every", "in"];

    private PolicyHeads(IReadOnlyList<string> names, bool hasDefaultResult)
    {
        Names = names;
        HasDefaultResult = hasDefaultResult;
    }

    /// <summary>Distinct names in source order.</summary>
    public IReadOnlyList<string> Names { get; }

    public bool HasDefaultResult { get; }

    public bool Defines(string name) => Names.Contains(name);

    public static PolicyHeads Of(PolicyText text, ModuleInspection syntax) =>
        syntax.Succeeded ? FromSyntax(syntax.Module) : FromText(text);

    private static PolicyHeads FromSyntax(ModuleInfo module) => new(
        [.. module.Rules.Select(rule => Root(rule.Name)).Distinct()],
        module.Rules.Any(rule => rule.IsDefault && rule.Name == "result"));

    private static PolicyHeads FromText(PolicyText text)
    {
        var matches = Head().Matches(text.Code).Where(match => !Keywords.Contains(match.Groups["name"].Value)).ToList();
        return new(
            [.. matches.Select(match => match.Groups["name"].Value).Distinct()],
            matches.Exists(match => match.Groups["default"].Success && match.Groups["name"].Value == "result"));
    }

    private static string Root(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? name : name[..dot];
    }

    [GeneratedRegex(
        @"^(?<default>default[ \t]+)?(?<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*(?:\([^)\n]*\)|\[[^\]\n]*\]|\.[A-Za-z0-9_.]+)*[ \t]*(?::=|=|contains[ \t]|\{|if[ \t{])",
        RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Head();
}
