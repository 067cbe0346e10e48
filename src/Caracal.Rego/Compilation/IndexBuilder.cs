using Caracal.Rego.Evaluation;

namespace Caracal.Rego.Compilation;

/// <summary>Finds the constant tests by which a group with many definitions can be narrowed down (rego.md 13).</summary>
internal static class IndexBuilder
{
    private const int MinDefinitions = 4;
    private const int MaxColumns = 3;

    public static DefinitionIndex? Build(RuleGroup group, Dictionary<RuleSource, IReadOnlyList<ClauseIr>> clauses, CodeGen gen)
    {
        var count = group.Sources.Count;
        if (count < MinDefinitions) return null;
        var tests = new Dictionary<string, (Ir Reference, List<(int Definition, RegoValue Value)> Wanted)>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var chain = clauses[group.Sources[i]];
            if (chain.Count > 1) continue; // a later clause may hold when the test fails
            foreach (var (key, reference, value) in Tests(chain[0]))
            {
                if (!tests.TryGetValue(key, out var column)) tests[key] = column = (reference, []);
                column.Wanted.Add((i, value));
            }
        }

        var columns = tests.Values
            .Where(c => c.Wanted.Count >= MinDefinitions && c.Wanted.Select(w => w.Definition).Distinct().Count() == c.Wanted.Count)
            .OrderByDescending(c => c.Wanted.Count)
            .Take(MaxColumns)
            .Select(c => Column(c.Reference, c.Wanted, count, gen))
            .ToList();
        return columns.Count == 0 ? null : new DefinitionIndex(columns, count);
    }

    private static DefinitionIndex.Column Column(Ir reference, List<(int Definition, RegoValue Value)> wanted, int count, CodeGen gen)
    {
        var indifferent = new ulong[(count + 63) / 64];
        for (var i = 0; i < count; i++) Set(indifferent, i);
        foreach (var (definition, _) in wanted) indifferent[definition >> 6] &= ~(1UL << (definition & 63));
        var byValue = new Dictionary<RegoValue, ulong[]>();
        foreach (var (definition, value) in wanted)
        {
            if (!byValue.TryGetValue(value, out var bits)) byValue[value] = bits = (ulong[])indifferent.Clone();
            Set(bits, definition);
        }

        return new DefinitionIndex.Column(gen.IndexReference(reference), byValue, indifferent);
    }

    private static void Set(ulong[] bits, int at) => bits[at >> 6] |= 1UL << (at & 63);

    /// <summary>The equations of a body between a constant and an input path or an argument.</summary>
    private static IEnumerable<(string Key, Ir Reference, RegoValue Value)> Tests(ClauseIr clause)
    {
        foreach (var literal in clause.Body.Literals)
        {
            if (literal is not IrUnify { Negated: false, With.Count: 0 } u) continue;
            var (reference, constant) = u.Right is IrConst ? (u.Left, u.Right) : (u.Right, u.Left);
            if (constant is not IrConst { Value.Kind: < RegoKind.Array } c) continue;
            switch (reference)
            {
                case IrVar { Var: { Origin: VarOrigin.Argument } v }:
                    var position = clause.Args.ToList().IndexOf(v);
                    if (position >= 0) yield return ($"argument {position}", reference, c.Value);
                    break;
                case IrRef { Root: IrInput } r when r.Keys.All(k => k is IrConst):
                    yield return (string.Join('\n', r.Keys.Select(k => ((IrConst)k).Value.ToString())), reference, c.Value);
                    break;
            }
        }
    }
}
