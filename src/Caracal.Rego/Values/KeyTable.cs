using System.Runtime.CompilerServices;

namespace Caracal.Rego.Values;

/// <summary>Distinct keys in the order they came: a plain list while small, a hash table when larger.</summary>
internal sealed class KeyTable
{
    private const int LinearLimit = 8;

    private RegoValue[] _keys;
    private int _count;
    private int[]? _heads;
    private int[]? _next;
    private int[]? _order;

    public KeyTable(int capacity)
    {
        _keys = capacity == 0 ? [] : new RegoValue[capacity];
    }

    /// <summary>The table of an empty object or set.</summary>
    public static KeyTable Empty { get; } = new(0);

    public int Count => _count;

    public RegoValue this[int index] => _keys[index];

    public int Find(RegoValue key)
    {
        if (key is StringValue s) return Find(s);
        if (_heads is null)
        {
            for (var i = 0; i < _count; i++)
            {
                if (_keys[i].Equals(key)) return i;
            }

            return -1;
        }

        for (var i = _heads[Bucket(key)]; i >= 0; i = _next![i])
        {
            if (_keys[i].Equals(key)) return i;
        }

        return -1;
    }

    public int Find(StringValue key)
    {
        var keys = _keys;
        if (_heads is null)
        {
            for (var i = 0; i < _count; i++)
            {
                if (ReferenceEquals(keys[i], key)) return i;
            }

            var hash = key.GetHashCode();
            for (var i = 0; i < _count; i++)
            {
                if (keys[i].GetHashCode() == hash && keys[i].Equals(key)) return i;
            }

            return -1;
        }

        for (var i = _heads[Bucket(key)]; i >= 0; i = _next![i])
        {
            if (keys[i].Equals(key)) return i;
        }

        return -1;
    }

    public int Find(string key)
    {
        if (_heads is not null) return Find(new StringValue(key));
        var keys = _keys;
        for (var i = 0; i < _count; i++)
        {
            if (keys[i] is StringValue s && string.Equals(s.Text, key, StringComparison.Ordinal)) return i;
        }

        return -1;
    }

    /// <summary>Appends a key that is known to be absent and returns its index.</summary>
    public int Append(RegoValue key)
    {
        var index = _count;
        if (index == _keys.Length) System.Array.Resize(ref _keys, Math.Max(4, index * 2));
        _keys[index] = key;
        _count = index + 1;
        if (_heads is not null)
        {
            if (index >= _heads.Length) Rehash();
            else Link(index);
        }
        else if (_count > LinearLimit)
        {
            Rehash();
        }

        return index;
    }

    /// <summary>Positions of the keys in ascending order of the keys; null when they already stand in that order.</summary>
    public int[]? Order()
    {
        var known = _order;
        if (known is not null) return known.Length == 0 ? null : known;
        var sorted = true;
        for (var i = 1; i < _count && sorted; i++) sorted = ValueOrder.Compare(_keys[i - 1], _keys[i]) < 0;
        if (sorted)
        {
            _order = [];
            return null;
        }

        var order = new int[_count];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        var keys = _keys;
        System.Array.Sort(order, (a, b) => ValueOrder.Compare(keys[a], keys[b]));
        _order = order;
        return order;
    }

    /// <summary>This table with its order known, to be shared by objects that have the same keys.</summary>
    public KeyTable Sealed()
    {
        Order();
        return this;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Bucket(RegoValue key)
    {
        var h = (uint)key.GetHashCode();
        h ^= h >> 15;
        return (int)(h & (uint)(_heads!.Length - 1));
    }

    private void Link(int index)
    {
        var bucket = Bucket(_keys[index]);
        _next![index] = _heads![bucket];
        _heads[bucket] = index;
    }

    private void Rehash()
    {
        var size = 32;
        while (size < _keys.Length) size *= 2;
        _heads = new int[size];
        _next = new int[Math.Max(size, _keys.Length)];
        System.Array.Fill(_heads, -1);
        for (var i = 0; i < _count; i++) Link(i);
    }
}
