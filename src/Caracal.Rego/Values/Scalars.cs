namespace Caracal.Rego.Values;

internal sealed class NullValue : RegoValue
{
    public override RegoKind Kind => RegoKind.Null;

    public override bool Equals(RegoValue? other) => other is NullValue;

    public override int GetHashCode() => 0x1ee7;
}

internal sealed class BooleanValue(bool value) : RegoValue
{
    public override RegoKind Kind => RegoKind.Boolean;

    public override bool AsBoolean() => value;

    public override bool Equals(RegoValue? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => value ? 0x7a11 : 0x0fa1;
}

internal sealed class StringValue(string text) : RegoValue
{
    private int _hash;

    public static StringValue Empty { get; } = new("");

    public string Text { get; } = text;

    public override RegoKind Kind => RegoKind.String;

    public override int Size => 1 + Text.Length;

    public override string AsString() => Text;

    public override bool Equals(RegoValue? other) =>
        ReferenceEquals(this, other) || (other is StringValue s && string.Equals(Text, s.Text, StringComparison.Ordinal));

    // string hashing is seeded per process, so hostile keys cannot be prepared.
    public override int GetHashCode()
    {
        if (_hash == 0) _hash = string.GetHashCode(Text, StringComparison.Ordinal) | 1;
        return _hash;
    }
}
