using Caracal.Rego.Numbers;

namespace Caracal.Rego.Values;

/// <summary>The total order of values (rego.md 2).</summary>
internal static class ValueOrder
{
    public static int Compare(RegoValue? a, RegoValue? b)
    {
        if (ReferenceEquals(a, b)) return 0;
        if (a is null) return -1;
        if (b is null) return 1;
        if (a.Kind != b.Kind) return a.Kind < b.Kind ? -1 : 1;
        return a.Kind switch
        {
            RegoKind.Null => 0,
            RegoKind.Boolean => a.AsBoolean().CompareTo(b.AsBoolean()),
            RegoKind.Number => NumberValue.Compare((NumberValue)a, (NumberValue)b),
            RegoKind.String => CompareText(((StringValue)a).Text, ((StringValue)b).Text),
            RegoKind.Array => CompareSpans(((ArrayValue)a).Span, ((ArrayValue)b).Span),
            RegoKind.Object => CompareObjects((ObjectValue)a, (ObjectValue)b),
            _ => CompareSpans(((SetValue)a).Sorted, ((SetValue)b).Sorted),
        };
    }

    /// <summary>Code point order: surrogates sort above every other UTF-16 unit.</summary>
    public static int CompareText(string a, string b)
    {
        var shared = a.AsSpan().CommonPrefixLength(b);
        if (shared == a.Length || shared == b.Length) return a.Length.CompareTo(b.Length);
        var x = a[shared];
        var y = b[shared];
        var xs = char.IsSurrogate(x);
        return xs == char.IsSurrogate(y) ? x.CompareTo(y) : xs ? 1 : -1;
    }

    private static int CompareSpans(ReadOnlySpan<RegoValue> a, ReadOnlySpan<RegoValue> b)
    {
        var n = Math.Min(a.Length, b.Length);
        for (var i = 0; i < n; i++)
        {
            var c = Compare(a[i], b[i]);
            if (c != 0) return c;
        }

        return a.Length.CompareTo(b.Length);
    }

    private static int CompareObjects(ObjectValue a, ObjectValue b)
    {
        var ao = a.Order();
        var bo = b.Order();
        var n = Math.Min(a.Count, b.Count);
        for (var i = 0; i < n; i++)
        {
            var x = ao is null ? i : ao[i];
            var y = bo is null ? i : bo[i];
            var c = Compare(a.KeyAt(x), b.KeyAt(y));
            if (c == 0) c = Compare(a.ValueAt(x), b.ValueAt(y));
            if (c != 0) return c;
        }

        return a.Count.CompareTo(b.Count);
    }
}
