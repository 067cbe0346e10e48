namespace Caracal.Rego.Values;

/// <summary>Collects pairs into an object. Build hands the storage over, so a builder is used once.</summary>
internal sealed class ObjectBuilder
{
    private readonly KeyTable _keys;
    private RegoValue[] _values;

    public ObjectBuilder(int capacity = 4)
    {
        _keys = new KeyTable(capacity);
        _values = new RegoValue[capacity];
    }

    public int Count => _keys.Count;

    public void Set(RegoValue key, RegoValue value)
    {
        var at = _keys.Find(key);
        if (at >= 0) _values[at] = value;
        else Append(key, value);
    }

    /// <summary>Adds the pair unless the key holds a different value; false on such a conflict.</summary>
    public bool TryAdd(RegoValue key, RegoValue value)
    {
        var at = _keys.Find(key);
        if (at >= 0) return _values[at].Equals(value);
        Append(key, value);
        return true;
    }

    public RegoValue? Find(RegoValue key) => _keys.Find(key) is >= 0 and var i ? _values[i] : null;

    public void SetAll(ObjectValue other)
    {
        for (var i = 0; i < other.Count; i++) Set(other.KeyAt(i), other.ValueAt(i));
    }

    public ObjectValue Build() => Count == 0 ? ObjectValue.Empty : new ObjectValue(_keys, _values);

    private void Append(RegoValue key, RegoValue value)
    {
        var at = _keys.Append(key);
        if (at >= _values.Length) System.Array.Resize(ref _values, Math.Max(4, at * 2));
        _values[at] = value;
    }
}

/// <summary>Collects members into a set. Build hands the storage over, so a builder is used once.</summary>
internal sealed class SetBuilder(int capacity = 4)
{
    private readonly KeyTable _members = new(capacity);

    public int Count => _members.Count;

    public bool Contains(RegoValue member) => _members.Find(member) >= 0;

    public bool Add(RegoValue member)
    {
        if (_members.Find(member) >= 0) return false;
        _members.Append(member);
        return true;
    }

    public SetValue Build() => Count == 0 ? SetValue.Empty : new SetValue(_members);
}
