using System.Numerics;
using Caracal.Rego.Values;

namespace Caracal.Rego;

/// <summary>The keys of objects that are built often, such as a request's: they share one table of keys. Thread-safe.</summary>
public sealed class RegoShape
{
    private const int MostKeys = 64;
    private const int KeptTables = 32;

    private readonly StringValue[] _keys;
    private (ulong Present, KeyTable Keys)[] _tables = [];

    /// <summary>At most 64 distinct keys.</summary>
    public RegoShape(params string[] keys)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keys.Length, MostKeys);
        _keys = [.. keys.Select(KeyNames.Get)];
        if (_keys.Distinct().Count() != _keys.Length) throw new ArgumentException("the keys of a shape are distinct", nameof(keys));
    }

    /// <summary>An object with a member for each key, in the order of the keys; where a member is null the key is absent.</summary>
    public RegoValue Build(params ReadOnlySpan<RegoValue?> members)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(members.Length, _keys.Length);
        var present = 0UL;
        for (var i = 0; i < members.Length; i++)
        {
            if (members[i] is not null) present |= 1UL << i;
        }

        if (present == 0) return RegoValue.EmptyObject;
        var values = new RegoValue[BitOperations.PopCount(present)];
        var at = 0;
        foreach (var member in members)
        {
            if (member is not null) values[at++] = member;
        }

        return new ObjectValue(Keys(present), values);
    }

    private KeyTable Keys(ulong present)
    {
        var tables = _tables;
        foreach (var table in tables)
        {
            if (table.Present == present) return table.Keys;
        }

        var keys = new KeyTable(BitOperations.PopCount(present));
        for (var i = 0; i < _keys.Length; i++)
        {
            if ((present & (1UL << i)) != 0) keys.Append(_keys[i]);
        }

        keys.Sealed();
        // Of two threads that come at once one may lose its table: it is made again when it is needed.
        if (tables.Length < KeptTables) _tables = [.. tables, (present, keys)];
        return keys;
    }
}
