using Caracal.Rego.Syntax;

namespace Caracal.Rego;

/// <summary>What a rule defines.</summary>
public enum RegoRuleKind
{
    /// <summary>One value.</summary>
    Complete,

    /// <summary>Members of a set: <c>p contains x</c>.</summary>
    PartialSet,

    /// <summary>Pairs of an object: <c>p[k] := v</c>.</summary>
    PartialObject,

    /// <summary>A function of its arguments.</summary>
    Function,
}

/// <summary>
/// A rule of a module, as written. The name is the head reference up to its first part that is not a name,
/// such as <c>p.q</c>; <c>IsExactName</c> says that the head reference is that name alone.
/// </summary>
public sealed record RegoRuleInfo(string Name, RegoRuleKind Kind, bool IsDefault, int Arity, int Line, bool IsExactName);

/// <summary>What a module holds, read from its syntax tree without evaluating it.</summary>
public sealed record ModuleInfo
{
    /// <summary>The package path without <c>data</c>, such as <c>caracal.authz</c>.</summary>
    public required string Package { get; init; }

    /// <summary>The paths of the imports, such as <c>data.roles</c>; <c>rego.v1</c> and keywords are not among them.</summary>
    public required IReadOnlyList<string> Imports { get; init; }

    /// <summary>The rules in the order of the source, one for each definition.</summary>
    public required IReadOnlyList<RegoRuleInfo> Rules { get; init; }

    /// <summary>References to <c>input</c>, up to their first part that is not a name.</summary>
    public required IReadOnlyList<string> InputPaths { get; init; }

    /// <summary>References to <c>data</c>, up to their first part that is not a name.</summary>
    public required IReadOnlyList<string> DataPaths { get; init; }

    /// <summary>Builtins the module calls or mocks.</summary>
    public required IReadOnlyList<string> Builtins { get; init; }

    /// <summary>The comments, without the leading <c>#</c>.</summary>
    public required IReadOnlyList<string> Comments { get; init; }
}

/// <summary>A module's description, or the errors that prevented it.</summary>
public sealed record ModuleInspection(ModuleInfo? Module, IReadOnlyList<RegoError> Errors)
{
    /// <summary>Whether the module could be read.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Module))]
    public bool Succeeded => Module is not null;
}

/// <summary>Reads modules without compiling them.</summary>
public static class RegoParser
{
    /// <summary>Describes a module of at most <see cref="RegoLimits.ModuleCharacters"/> characters and 256 levels of nesting.</summary>
    /// <returns>
    /// The description, or one error: <c>content_too_large</c>, or <c>rego_parse_error</c> with the place where reading stopped.
    /// </returns>
    public static ModuleInspection Inspect(string source, RegoLanguageMode mode = RegoLanguageMode.Auto, string name = "module.rego")
    {
        if (source.Length > RegoLimits.Default.ModuleCharacters)
            return new(null, [new RegoError("content_too_large", $"module exceeds {RegoLimits.Default.ModuleCharacters} characters", name, 1, 1)]);
        try
        {
            return new(new ModuleInspector(Parser.ParseModule(name, source, mode)).Inspect(), []);
        }
        catch (SyntaxException e)
        {
            return new(null, [new RegoError("rego_parse_error", e.Message, name, e.At.Line, e.At.Column)]);
        }
        catch (Values.ValueTooDeepException e)
        {
            return new(null, [new RegoError("rego_parse_error", e.Message, name, 1, 1)]);
        }
    }
}
