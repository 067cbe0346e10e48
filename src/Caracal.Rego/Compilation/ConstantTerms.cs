using Caracal.Rego.Syntax;
using Caracal.Rego.Values;

namespace Caracal.Rego.Compilation;

/// <summary>Turns literals without variables into values.</summary>
internal static class ConstantTerms
{
    /// <summary>The value of a term that holds nothing but constants; null otherwise.</summary>
    public static RegoValue? Fold(Term term)
    {
        switch (term)
        {
            case ScalarTerm s: return s.Value;
            case ArrayTerm a: return All(a.Items) is { } items ? new ArrayValue(items) : null;
            case SetTerm s: return All(s.Items) is { } members ? RegoValue.Set(members) : null;
            case ObjectTerm o:
                var builder = new ObjectBuilder(o.Pairs.Count);
                foreach (var (key, value) in o.Pairs)
                {
                    if (Fold(key) is not { } k || Fold(value) is not { } v) return null;
                    if (!builder.TryAdd(k, v)) return null;
                }

                return builder.Build();
            default: return null;
        }
    }

    private static RegoValue[]? All(IReadOnlyList<Term> terms)
    {
        var values = new RegoValue[terms.Count];
        for (var i = 0; i < values.Length; i++)
        {
            if (Fold(terms[i]) is not { } value) return null;
            values[i] = value;
        }

        return values;
    }
}
