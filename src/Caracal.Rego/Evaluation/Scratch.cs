using System.Text;
using Caracal.Rego.Syntax;
using Caracal.Rego.Values;

namespace Caracal.Rego.Evaluation;

/// <summary>What an evaluation needs for a moment and later ones use again. Nothing in here can change an outcome.</summary>
internal sealed class Scratch
{
    private const int KeptText = 4096;
    private const int KeptAccumulators = 64;

    private readonly Stack<Accumulator> _accumulators = new();
    private readonly StringBuilder _text = new(256);

    /// <summary>Short lists that were built before.</summary>
    public ShortLists Lists { get; } = new();

    /// <summary>An empty accumulator; <see cref="Return"/> it once its value is built.</summary>
    public Accumulator Rent(ComprehensionKind kind)
    {
        if (!_accumulators.TryPop(out var accumulator)) accumulator = new Accumulator();
        accumulator.Start(kind);
        return accumulator;
    }

    public void Return(Accumulator accumulator)
    {
        if (_accumulators.Count < KeptAccumulators) _accumulators.Push(accumulator);
    }

    /// <summary>An empty text to write to, until the next call.</summary>
    public StringBuilder Text()
    {
        _text.Clear();
        if (_text.Capacity > KeptText) _text.Capacity = 256;
        return _text;
    }
}

/// <summary>
/// Shares short arrays of short strings, such as the scopes of a request, so that building one again costs nothing.
/// A pure memo of fixed size: a lost entry costs an allocation, never a different outcome.
/// </summary>
internal sealed class ShortLists
{
    private const int Size = 64;
    public const int Longest = 4;

    private readonly ArrayValue?[] _known = new ArrayValue?[Size];

    /// <summary>An array of the items, which are copied if need be.</summary>
    public ArrayValue Get(ReadOnlySpan<RegoValue> items)
    {
        if (items.IsEmpty) return ArrayValue.Empty;
        if (items.Length > Longest) return new ArrayValue(items.ToArray());
        var hash = items.Length;
        foreach (var item in items)
        {
            if (item is not StringValue { Text.Length: <= KeyNames.MaxLength }) return new ArrayValue(items.ToArray());
            hash = (hash * 31) + item.GetHashCode();
        }

        ref var entry = ref _known[(hash ^ (hash >> 15)) & (Size - 1)];
        if (entry is not null && entry.Span.SequenceEqual(items)) return entry;
        return entry = new ArrayValue(items.ToArray());
    }
}
