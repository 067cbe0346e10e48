namespace Caracal.Rego.Values;

/// <summary>
/// Shares the values of short object keys, so that most lookups compare references. A pure memo of fixed size:
/// a lost entry costs a comparison of texts, never a different outcome.
/// </summary>
internal static class KeyNames
{
    private const int Size = 2048;
    public const int MaxLength = 48;

    private static readonly StringValue?[] s_table = new StringValue?[Size];

    public static StringValue Get(string text) => Get(text, text);

    public static StringValue Get(ReadOnlySpan<char> text) => Get(text, null);

    private static StringValue Get(ReadOnlySpan<char> text, string? whole)
    {
        if (text.Length is 0 or > MaxLength) return text.Length == 0 ? StringValue.Empty : new StringValue(whole ?? text.ToString());
        ref var entry = ref s_table[string.GetHashCode(text, StringComparison.Ordinal) & (Size - 1)];
        var known = entry;
        if (known is not null && text.SequenceEqual(known.Text)) return known;
        return entry = new StringValue(whole ?? text.ToString());
    }
}
