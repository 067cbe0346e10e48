using Caracal.Rego.Compilation;

namespace Caracal.Rego.Evaluation;

/// <summary>Which definitions of a group can hold at all; the default includes every one.</summary>
internal readonly struct Selection(ulong[]? bits)
{
    /// <summary>The first selected definition from the given one on; the count when there is none.</summary>
    public int From(int definition, int count)
    {
        if (bits is null || definition >= count) return Math.Min(definition, count);
        var word = definition >> 6;
        var rest = bits[word] & (ulong.MaxValue << (definition & 63));
        while (rest == 0)
        {
            if (++word == bits.Length) return count;
            rest = bits[word];
        }

        return Math.Min((word << 6) + System.Numerics.BitOperations.TrailingZeroCount(rest), count);
    }
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
