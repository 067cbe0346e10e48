using System.Text;

namespace Caracal.Protocol.Context;

/// <summary>The <c>baggage</c> header and the keys in it that are ours (gateway.md Part C).</summary>
public static class BaggageHeader
{
    public const string AgentSession = "caracal.agent_session";
    public const string DelegationEdge = "caracal.delegation_edge";
    public const string ParentEdge = "caracal.parent_edge";
    public const string Session = "caracal.session";
    public const string Hop = "caracal.hop";

    private const int LargestHeader = 8192;
    private const int LargestNumberOfMembers = 64;

    /// <summary>The members, decoded; none when the header is longer than 8192 bytes or has more than 64.</summary>
    public static Dictionary<string, string> Decode(string? header)
    {
        var members = new Dictionary<string, string>(StringComparer.Ordinal);
        if (header is null || Encoding.UTF8.GetByteCount(header) > LargestHeader || header.AsSpan().Count(',') >= LargestNumberOfMembers)
        {
            return members;
        }

        foreach (var range in header.AsSpan().Split(','))
        {
            var member = header.AsSpan(range);
            var equals = member.IndexOf('=');
            if (equals <= 0)
            {
                continue;
            }

            var key = Unescape(member[..equals]);
            var value = member[(equals + 1)..];
            var properties = value.IndexOf(';');
            if (key.Length > 0)
            {
                members[key] = Unescape(properties < 0 ? value : value[..properties]);
            }
        }

        return members;
    }

    /// <summary>Sorted by key, percent-encoded, empty values left out; null when nothing is left.</summary>
    public static string? Encode(IEnumerable<KeyValuePair<string, string>> members)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in members.Where(member => member.Value.Length > 0).OrderBy(member => member.Key, StringComparer.Ordinal))
        {
            _ = text.Length > 0 ? text.Append(',') : text;
            text.Append(Uri.EscapeDataString(key)).Append('=').Append(Uri.EscapeDataString(value));
        }

        return text.Length == 0 ? null : text.ToString();
    }

    // A malformed escape keeps the text as it came.
    private static string Unescape(ReadOnlySpan<char> text)
    {
        var trimmed = text.Trim();
        for (var rest = trimmed; rest.IndexOf('%') is var at and >= 0; rest = rest[(at + 3)..])
        {
            if (at + 2 >= rest.Length || !char.IsAsciiHexDigit(rest[at + 1]) || !char.IsAsciiHexDigit(rest[at + 2]))
            {
                return trimmed.ToString();
            }
        }

        return Uri.UnescapeDataString(trimmed.ToString());
    }
}
