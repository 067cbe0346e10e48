namespace Caracal.Streams.Redis.Resp;

/// <summary>One reply of the server. Text is UTF-8; a map is the list of its keys and values in turn.</summary>
public readonly struct RespValue : IEquatable<RespValue>
{
    private readonly long _integer;
    private readonly object? _content;

    private RespValue(RespKind kind, long integer, object? content)
    {
        Kind = kind;
        _integer = integer;
        _content = content;
    }

    public RespKind Kind { get; }

    public bool IsNull => Kind == RespKind.Null;

    /// <summary>The text of a text, error, double or big number; null for null.</summary>
    public string? Text => _content as string;

    /// <summary>The members of an array, set, map or push; empty for anything else.</summary>
    public ReadOnlySpan<RespValue> Items => _content as RespValue[];

    /// <summary>The value of an integer or boolean (1 or 0).</summary>
    public long Integer => _integer;

    /// <summary>The first word of an error (<c>WRONGTYPE</c>, <c>NOGROUP</c>), the only part of it that is safe to repeat.</summary>
    public string ErrorCode
    {
        get
        {
            var text = Text ?? "";
            var space = text.IndexOf(' ', StringComparison.Ordinal);
            var code = space < 0 ? text : text[..space];
            return code.Length is > 0 and <= 32 && code.AsSpan().IndexOfAnyExceptInRange('A', 'Z') < 0 ? code : "ERR";
        }
    }

    /// <summary>The value under a key of a map; null when there is none.</summary>
    public RespValue this[string key]
    {
        get
        {
            var items = Items;
            for (var i = 0; i + 1 < items.Length; i += 2)
            {
                if (string.Equals(items[i].Text, key, StringComparison.Ordinal))
                {
                    return items[i + 1];
                }
            }

            return default;
        }
    }

    public static bool operator ==(RespValue left, RespValue right) => left.Equals(right);

    public static bool operator !=(RespValue left, RespValue right) => !left.Equals(right);

    public bool Equals(RespValue other) =>
        Kind == other.Kind
        && _integer == other._integer
        && string.Equals(Text, other.Text, StringComparison.Ordinal)
        && Items.SequenceEqual(other.Items);

    public override bool Equals(object? obj) => obj is RespValue other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Kind, _integer, Text, Items.Length);

    /// <summary>The kind only: a reply may hold what must not reach a log.</summary>
    public override string ToString() => Kind.ToString();

    internal static RespValue OfText(string text) => new(RespKind.Text, 0, text);

    internal static RespValue OfText(RespKind kind, string text) => new(kind, 0, text);

    internal static RespValue OfInteger(long value) => new(RespKind.Integer, value, null);

    internal static RespValue OfBoolean(bool value) => new(RespKind.Boolean, value ? 1 : 0, null);

    internal static RespValue OfItems(RespKind kind, RespValue[] items) => new(kind, 0, items);
}
