using System.Buffers;
using System.Text;

namespace Caracal.Gateway.Upstream;

/// <summary>The query rules of gateway.md A4: the configured query wins key by key, the caller's other bytes stay as they are.</summary>
internal static class QueryRules
{
    /// <summary>
    /// The caller's query merged behind the configured one. Null when the caller's cannot be read: a malformed escape,
    /// what is no visible ASCII, or a <c>;</c>, which some upstreams take for a separator and which could smuggle a configured key past us.
    /// </summary>
    public static string? TryMerge(string configured, QueryKeys configuredKeys, string caller)
    {
        if (!IsReadable(caller))
        {
            return null;
        }

        return configuredKeys.IsEmpty ? Join(configured, caller) : Join(configured, Without(caller, configuredKeys));
    }

    /// <summary>Sets <paramref name="key"/> in a readable query, replacing every value it had.</summary>
    public static string Set(string query, string key, string value)
    {
        var rest = Without(query, QueryKeys.Of(key));
        return Join(rest, $"{Uri.EscapeDataString(key)}={Uri.EscapeDataString(value)}");
    }

    /// <summary>The decoded keys of a query; null when it cannot be read.</summary>
    public static QueryKeys? TryReadKeys(string query)
    {
        if (!IsReadable(query))
        {
            return null;
        }

        var keys = new QueryKeys();
        foreach (var range in query.AsSpan().Split('&'))
        {
            if (query.AsSpan(range) is { IsEmpty: false } pair)
            {
                keys.Add(Key(pair));
            }
        }

        return keys;
    }

    private static bool IsReadable(ReadOnlySpan<char> query)
    {
        // It goes out byte for byte, and a space or a line break would end the request line.
        if (query.ContainsAnyExceptInRange('\x21', '\x7e'))
        {
            return false;
        }

        for (var i = query.IndexOfAny('%', ';'); i >= 0;)
        {
            if (query[i] == ';' || i + 2 >= query.Length || !char.IsAsciiHexDigit(query[i + 1]) || !char.IsAsciiHexDigit(query[i + 2]))
            {
                return false;
            }

            query = query[(i + 3)..];
            i = query.IndexOfAny('%', ';');
        }

        return true;
    }

    /// <summary>What is left of a query without the pairs of <paramref name="keys"/>, byte for byte.</summary>
    public static string Without(string query, QueryKeys keys)
    {
        var kept = new StringBuilder(query.Length);
        foreach (var range in query.AsSpan().Split('&'))
        {
            var pair = query.AsSpan(range);
            if (!pair.IsEmpty && !keys.Cover(Key(pair)))
            {
                _ = kept.Length > 0 ? kept.Append('&') : kept;
                kept.Append(pair);
            }
        }

        return kept.ToString();
    }

    private static string Join(string first, string second) =>
        first.Length == 0 ? second : second.Length == 0 ? first : $"{first}&{second}";

    // Compared as decoded text; bytes that are no UTF-8 decode to the replacement character, which no configured key holds.
    private static string Key(ReadOnlySpan<char> pair)
    {
        var equals = pair.IndexOf('=');
        var key = equals < 0 ? pair : pair[..equals];
        return key.ContainsAny('%', '+')
            ? Uri.UnescapeDataString(key.ToString().Replace('+', ' '))
            : key.ToString();
    }
}
