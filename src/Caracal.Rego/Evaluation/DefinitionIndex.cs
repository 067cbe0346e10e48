using Caracal.Rego.Compilation;

namespace Caracal.Rego.Evaluation;

/// <summary>Which definitions of a group can hold at all; the default includes every one.</summary>
internal readonly struct Selection(ulong[]? bits)
{
    public bool Includes(int definition) => bits is null || (bits[definition >> 6] & (1UL << (definition & 63))) != 0;
}

/// <summary>
/// For definitions that test a reference against a constant: from the reference's value to the definitions worth running.
/// </summary>
internal sealed class DefinitionIndex(IReadOnlyList<DefinitionIndex.Column> columns, int definitions)
{
    /// <summary>One reference: definitions by the constant they want, and those that do not test it.</summary>
    public sealed record Column(Expr Reference, Dictionary<RegoValue, ulong[]> ByValue, ulong[] Indifferent);

    public Selection Select(EvalContext ctx, Span<RegoValue?> window)
    {
        ulong[]? selected = null;
        foreach (var column in columns)
        {
            var value = column.Reference.EvalValue(ctx, window);
            var bits = value is not null && column.ByValue.TryGetValue(value, out var wanted) ? wanted : column.Indifferent;
            if (columns.Count == 1) return new Selection(bits);
            selected ??= NewFull();
            for (var i = 0; i < selected.Length; i++) selected[i] &= bits[i];
        }

        return new Selection(selected);
    }

    private ulong[] NewFull()
    {
        var bits = new ulong[(definitions + 63) / 64];
        System.Array.Fill(bits, ulong.MaxValue);
        return bits;
    }
}
