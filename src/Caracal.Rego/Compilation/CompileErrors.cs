using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

/// <summary>The compile-time checks in the order they report (rego.md 8).</summary>
internal enum Phase
{
    Parse,
    Names,
    Locals,
    Tree,
    Functions,
    Safety,
    Recursion,
    Types,
    Limits,
}

/// <summary>Collects errors by phase; only the first phase that has any is shown, and at most ten of them.</summary>
internal sealed class CompileErrors
{
    private const int Shown = 10;

    private readonly SortedDictionary<Phase, List<RegoError>> _byPhase = [];

    public bool Any => _byPhase.Count > 0;

    public void Add(Phase phase, string code, string message, string file, Place at)
    {
        if (!_byPhase.TryGetValue(phase, out var list)) _byPhase[phase] = list = [];
        var error = new RegoError(code, message, file, at.Line, at.Column);
        if (list.Count < 1_000 && !list.Contains(error)) list.Add(error);
    }

    public IReadOnlyList<RegoError> Report() => _byPhase.Count == 0 ? [] : [.. _byPhase.First().Value.Take(Shown)];
}
