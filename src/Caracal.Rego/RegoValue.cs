using System.Buffers;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego;

/// <summary>The type of a <see cref="RegoValue"/>, in the language's order of types.</summary>
public enum RegoKind
{
    /// <summary>The one value <c>null</c>.</summary>
    Null,

    /// <summary><c>false</c> or <c>true</c>.</summary>
    Boolean,

    /// <summary>An integer of any size or an exact decimal.</summary>
    Number,

    /// <summary>A text; positions and lengths count code points.</summary>
    String,

    /// <summary>Values in order.</summary>
    Array,

    /// <summary>Pairs; a key may be any value.</summary>
    Object,

    /// <summary>Distinct values.</summary>
    Set,
}

/// <summary>An immutable value of the policy language. Undefined is not a value: it is a null reference.</summary>
public abstract class RegoValue : IEquatable<RegoValue>, IComparable<RegoValue>
{
    private protected RegoValue() { }

    /// <summary>The null value.</summary>
    public static RegoValue Null { get; } = new NullValue();

    /// <summary>The boolean true.</summary>
    public static RegoValue True { get; } = new BooleanValue(true);

    /// <summary>The boolean false.</summary>
    public static RegoValue False { get; } = new BooleanValue(false);

    /// <summary>The array without items.</summary>
    public static RegoValue EmptyArray => ArrayValue.Empty;

    /// <summary>The object without keys.</summary>
    public static RegoValue EmptyObject => ObjectValue.Empty;

    /// <summary>The type of this value.</summary>
    public abstract RegoKind Kind { get; }

    /// <summary>How many levels of composites this value holds; a scalar has none.</summary>
    internal virtual int Depth => 0;

    /// <summary>How many values and characters this value holds when written out in full; shared parts count each time they occur.</summary>
    public virtual int Size => 1;

    /// <summary>A boolean value.</summary>
    public static RegoValue Boolean(bool value) => value ? True : False;

    /// <summary>A string value.</summary>
    public static RegoValue String(string text) => text.Length == 0 ? StringValue.Empty : new StringValue(text);

    /// <summary>
    /// A string value that is likely to be asked for again, such as a scope: short ones are shared, so that comparing
    /// them compares references and making them costs nothing.
    /// </summary>
    public static RegoValue Name(string text) => KeyNames.Get(text);

    /// <summary>An integer value.</summary>
    public static RegoValue Number(long value) => NumberValue.From(value);

    /// <summary>A number from its JSON text, kept exactly.</summary>
    /// <exception cref="FormatException">The text is not a JSON number, or it is too big.</exception>
    public static RegoValue Number(string decimalText) =>
        DecimalText.TryParse(decimalText, out var number) ? number : throw new FormatException("not a number the policy language accepts");

    /// <summary>An array of the given items; the list is copied.</summary>
    public static RegoValue Array(IReadOnlyList<RegoValue> items)
    {
        if (items.Count == 0) return ArrayValue.Empty;
        var copy = new RegoValue[items.Count];
        for (var i = 0; i < copy.Length; i++) copy[i] = items[i];
        return new ArrayValue(copy);
    }

    /// <summary>An array of what each item becomes.</summary>
    public static RegoValue Array<T>(IReadOnlyList<T> items, Func<T, RegoValue> value)
    {
        if (items.Count == 0) return ArrayValue.Empty;
        var values = new RegoValue[items.Count];
        for (var i = 0; i < values.Length; i++) values[i] = value(items[i]);
        return new ArrayValue(values);
    }

    /// <summary>An array of what each item becomes.</summary>
    public static RegoValue Array<T>(ReadOnlySpan<T> items, Func<T, RegoValue> value)
    {
        if (items.IsEmpty) return ArrayValue.Empty;
        var values = new RegoValue[items.Length];
        for (var i = 0; i < values.Length; i++) values[i] = value(items[i]);
        return new ArrayValue(values);
    }

    /// <summary>A set of the given members.</summary>
    public static RegoValue Set(IEnumerable<RegoValue> members)
    {
        var builder = new SetBuilder();
        foreach (var member in members) builder.Add(member);
        return builder.Build();
    }

    /// <summary>An object of the given pairs; of two equal keys the last one wins.</summary>
    public static RegoValue Object(IEnumerable<KeyValuePair<RegoValue, RegoValue>> pairs)
    {
        var builder = new ObjectBuilder();
        foreach (var (key, value) in pairs) builder.Set(key, value);
        return builder.Build();
    }

    /// <summary>Reads a JSON document.</summary>
    /// <exception cref="FormatException">The text is not one JSON document, or is nested too deeply.</exception>
    public static RegoValue FromUtf8Json(ReadOnlySpan<byte> utf8) => JsonText.Read(utf8);

    /// <summary>Reads a JSON document.</summary>
    public static RegoValue FromJson(string json) => JsonText.Read(json);

    /// <summary>Writes this value as compact JSON: keys ascending, sets as arrays.</summary>
    public void WriteUtf8Json(IBufferWriter<byte> output) => JsonText.Write(this, output);

    /// <summary>This value as compact JSON.</summary>
    public string ToJson() => JsonText.Write(this);

    /// <summary>The text of a string.</summary>
    public virtual string AsString() => throw Wrong(RegoKind.String);

    /// <summary>The value of a boolean.</summary>
    public virtual bool AsBoolean() => throw Wrong(RegoKind.Boolean);

    /// <summary>The value of a number when it is an integer that fits.</summary>
    public virtual bool TryGetInt64(out long value)
    {
        value = 0;
        return false;
    }

    /// <summary>The number of items, members or pairs; zero for scalars.</summary>
    public virtual int Count => 0;

    /// <summary>The items of an array in order, or the members of a set in ascending order.</summary>
    public virtual IReadOnlyList<RegoValue> Items => [];

    /// <summary>The pairs of an object, keys ascending.</summary>
    public virtual IEnumerable<KeyValuePair<RegoValue, RegoValue>> Properties => [];

    /// <summary>The value under a string key of an object.</summary>
    public bool TryGet(string key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RegoValue? value)
    {
        value = this is ObjectValue o ? o.Find(key) : null;
        return value is not null;
    }

    /// <summary>The item of an array, the value of an object's key, or the member of a set; null when absent.</summary>
    public virtual RegoValue? Find(RegoValue key) => null;

    /// <summary>The language's equality: <c>1</c> equals <c>1.0</c>; values of different types never are equal.</summary>
    public abstract bool Equals(RegoValue? other);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RegoValue);

    /// <summary>Equal values have equal hash codes; they differ from process to process.</summary>
    public abstract override int GetHashCode();

    /// <summary>The language's total order: by type, then by value; undefined comes first.</summary>
    public int CompareTo(RegoValue? other) => ValueOrder.Compare(this, other);

    /// <summary>The language's text form of this value.</summary>
    public override string ToString() => ValueText.Of(this);

    /// <summary>Whether two values are equal.</summary>
    public static bool operator ==(RegoValue? left, RegoValue? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether two values differ.</summary>
    public static bool operator !=(RegoValue? left, RegoValue? right) => !(left == right);

    /// <summary>Whether the left value comes first.</summary>
    public static bool operator <(RegoValue? left, RegoValue? right) => ValueOrder.Compare(left, right) < 0;

    /// <summary>Whether the left value does not come last.</summary>
    public static bool operator <=(RegoValue? left, RegoValue? right) => ValueOrder.Compare(left, right) <= 0;

    /// <summary>Whether the left value comes last.</summary>
    public static bool operator >(RegoValue? left, RegoValue? right) => ValueOrder.Compare(left, right) > 0;

    /// <summary>Whether the left value does not come first.</summary>
    public static bool operator >=(RegoValue? left, RegoValue? right) => ValueOrder.Compare(left, right) >= 0;

    private InvalidOperationException Wrong(RegoKind wanted) => new($"the value is of kind {Kind}, not {wanted}");
}
