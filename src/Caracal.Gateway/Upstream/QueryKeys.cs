using System.Text;

namespace Caracal.Gateway.Upstream;

/// <summary>
/// Query keys that the caller's must not take the place of, compared as the loosest upstream reads them: in any case, and as
/// PHP does, for which leading spaces, also of an index, and what follows a NUL or the last index are not there, <c>.</c> and
/// a space are <c>_</c>, and <c>key[x]</c> fills the same variable as <c>key</c>; and as Rack does, to which brackets around a key are nothing.
/// </summary>
internal sealed class QueryKeys
{
    private readonly HashSet<string> _keys = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _arrays = new(StringComparer.OrdinalIgnoreCase);

    public bool IsEmpty => _keys.Count == 0;

    public static QueryKeys Of(string decodedKey)
    {
        var keys = new QueryKeys();
        keys.Add(decodedKey);
        return keys;
    }

    public void Add(string decodedKey)
    {
        var key = Plain(decodedKey);
        _keys.Add(key);
        if (ArrayOf(key) is { } array)
        {
            _arrays.Add(array);
        }
    }

    /// <summary>True when some upstream would take <paramref name="decodedKey"/> for one of these.</summary>
    public bool Cover(string decodedKey)
    {
        var key = Plain(decodedKey);
        return _keys.Contains(key) || (ArrayOf(key) is { } array ? _keys.Contains(array) : _arrays.Contains(key));
    }

    private static string Plain(string key)
    {
        var end = key.IndexOf('\0', StringComparison.Ordinal);
        var text = (end < 0 ? key : key[..end]).TrimStart().TrimStart('[', ']');
        var open = text.AsSpan().IndexOfAny('[', ']');
        if (open >= 0 && text[open] == ']')
        {
            return Underscored(text[..open]);
        }

        if (open < 1 || !text.AsSpan(open).Contains(']'))
        {
            return Underscored(text).Replace('[', '_');
        }

        var plain = new StringBuilder(Underscored(text[..open]));
        for (var at = open; at < text.Length && text[at] == '[';)
        {
            var close = text.IndexOf(']', at);
            if (close < 0)
            {
                break;
            }

            plain.Append('[').Append(text.AsSpan(at + 1, close - at - 1).TrimStart()).Append(']');
            at = close + 1;
        }

        return plain.ToString();
    }

    private static string Underscored(string text) => text.Replace('.', '_').Replace(' ', '_');

    private static string? ArrayOf(string key)
    {
        var bracket = key.IndexOf('[', StringComparison.Ordinal);
        return bracket > 0 ? key[..bracket] : null;
    }
}
