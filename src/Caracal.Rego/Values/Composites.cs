using Caracal.Rego.Numbers;

namespace Caracal.Rego.Values;

/// <summary>Guards the depth of values, so that walking them never exhausts the stack.</summary>
internal static class ValueDepth
{
    public const int Limit = 256;

    public static int Above(int inner) => inner < Limit ? inner + 1 : throw new ValueTooDeepException();
}

/// <summary>A value would nest deeper than <see cref="ValueDepth.Limit"/>.</summary>
internal sealed class ValueTooDeepException(string message = "values may nest at most 256 levels deep") : Exception(message);

/// <summary>
/// Guards the full size of values. Parts may be shared, so a few steps can build a value that is small in memory
/// and would take forever to compare or more memory than there is to write.
/// </summary>
internal static class ValueSize
{
    public const int Limit = 128_000_000;

    public static int Checked(long size) => size <= Limit ? (int)size : throw new ValueTooDeepException("values may hold at most 128,000,000 values and characters");
}

internal sealed class ArrayValue : RegoValue
{
    private readonly RegoValue[] _items;
    private int _hash;

    /// <summary>Takes ownership of the items.</summary>
    public ArrayValue(RegoValue[] items)
    {
        _items = items;
        var depth = 0;
        var size = 1L;
        foreach (var item in items)
        {
            depth = Math.Max(depth, item.Depth);
            size += item.Size;
        }

        Depth = ValueDepth.Above(depth);
        Size = ValueSize.Checked(size);
    }

    public static ArrayValue Empty { get; } = new([]);

    public override RegoKind Kind => RegoKind.Array;

    internal override int Depth { get; }

    public override int Size { get; }

    public override int Count => _items.Length;

    public override IReadOnlyList<RegoValue> Items => _items;

    public ReadOnlySpan<RegoValue> Span => _items;

    public RegoValue this[int index] => _items[index];

    public override RegoValue? Find(RegoValue key) =>
        key is NumberValue n && n.TryGetInt64(out var i) && (ulong)i < (ulong)_items.Length ? _items[i] : null;

    public override bool Equals(RegoValue? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is not ArrayValue a || a._items.Length != _items.Length) return false;
        for (var i = 0; i < _items.Length; i++)
        {
            if (!_items[i].Equals(a._items[i])) return false;
        }

        return true;
    }

    public override int GetHashCode()
    {
        if (_hash != 0) return _hash;
        var h = 17;
        foreach (var item in _items) h = (h * 31) + item.GetHashCode();
        return _hash = h | 1;
    }
}

internal sealed class ObjectValue : RegoValue
{
    private readonly KeyTable _keys;
    private readonly RegoValue[] _values;
    private int _hash;

    internal ObjectValue(KeyTable keys, RegoValue[] values)
    {
        _keys = keys;
        _values = values;
        var depth = 0;
        var size = 1L;
        for (var i = 0; i < keys.Count; i++)
        {
            depth = Math.Max(depth, Math.Max(keys[i].Depth, values[i].Depth));
            // In JSON a composite key is text within text, whose quotes are escaped: each level of keys in keys doubles it.
            size += keys[i].Kind < RegoKind.Array ? keys[i].Size : 2L * keys[i].Size;
            size += values[i].Size;
        }

        Depth = ValueDepth.Above(depth);
        Size = ValueSize.Checked(size);
    }

    public static ObjectValue Empty { get; } = new(KeyTable.Empty, []);

    public override RegoKind Kind => RegoKind.Object;

    internal override int Depth { get; }

    public override int Size { get; }

    public override int Count => _keys.Count;

    public RegoValue? Find(string key)
    {
        var i = _keys.Find(key);
        return i < 0 ? null : _values[i];
    }

    public override RegoValue? Find(RegoValue key)
    {
        var i = _keys.Find(key);
        return i < 0 ? null : _values[i];
    }

    public RegoValue? FindString(StringValue key)
    {
        var i = _keys.Find(key);
        return i < 0 ? null : _values[i];
    }

    /// <summary>Pairs in the order they were added: for work whose outcome does not depend on order.</summary>
    public RegoValue KeyAt(int index) => _keys[index];

    public RegoValue ValueAt(int index) => _values[index];

    /// <summary>Positions in ascending key order; null when insertion order is already ascending.</summary>
    public int[]? Order() => _keys.Order();

    public override IEnumerable<KeyValuePair<RegoValue, RegoValue>> Properties
    {
        get
        {
            var order = _keys.Order();
            for (var i = 0; i < Count; i++)
            {
                var at = order is null ? i : order[i];
                yield return new(_keys[at], _values[at]);
            }
        }
    }

    public override bool Equals(RegoValue? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is not ObjectValue o || o.Count != Count) return false;
        for (var i = 0; i < Count; i++)
        {
            var theirs = o.Find(_keys[i]);
            if (theirs is null || !_values[i].Equals(theirs)) return false;
        }

        return true;
    }

    public override int GetHashCode()
    {
        if (_hash != 0) return _hash;
        var h = 0x0b1ec7;
        for (var i = 0; i < Count; i++) h += (_keys[i].GetHashCode() * 31) ^ (_values[i].GetHashCode() * 7919);
        return _hash = h | 1;
    }
}

internal sealed class SetValue : RegoValue
{
    private readonly KeyTable _members;
    private RegoValue[]? _sorted;
    private int _hash;

    internal SetValue(KeyTable members)
    {
        _members = members;
        var depth = 0;
        var size = 1L;
        for (var i = 0; i < members.Count; i++)
        {
            depth = Math.Max(depth, members[i].Depth);
            size += members[i].Size;
        }

        Depth = ValueDepth.Above(depth);
        Size = ValueSize.Checked(size);
    }

    public static SetValue Empty { get; } = new(KeyTable.Empty);

    public override RegoKind Kind => RegoKind.Set;

    internal override int Depth { get; }

    public override int Size { get; }

    public override int Count => _members.Count;

    public override IReadOnlyList<RegoValue> Items => Sorted;

    public RegoValue[] Sorted
    {
        get
        {
            if (_sorted is not null) return _sorted;
            var sorted = new RegoValue[Count];
            var order = _members.Order();
            for (var i = 0; i < sorted.Length; i++) sorted[i] = _members[order is null ? i : order[i]];
            return _sorted = sorted;
        }
    }

    /// <summary>Positions in ascending order; null when insertion order is already ascending.</summary>
    public int[]? Order() => _members.Order();

    /// <summary>Members in the order they were added: for work whose outcome does not depend on order.</summary>
    public RegoValue MemberAt(int index) => _members[index];

    public bool Contains(RegoValue member) => _members.Find(member) >= 0;

    public override RegoValue? Find(RegoValue key) => _members.Find(key) is >= 0 and var i ? _members[i] : null;

    public override bool Equals(RegoValue? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is not SetValue s || s.Count != Count) return false;
        for (var i = 0; i < Count; i++)
        {
            if (!s.Contains(_members[i])) return false;
        }

        return true;
    }

    public override int GetHashCode()
    {
        if (_hash != 0) return _hash;
        var h = 0x5e7;
        for (var i = 0; i < Count; i++) h += _members[i].GetHashCode() * 1597;
        return _hash = h | 1;
    }
}
