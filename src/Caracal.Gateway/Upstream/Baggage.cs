using System.Text;
using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Upstream;

/// <summary>Keeps our own correlation data out of what goes upstream (gateway.md A9).</summary>
internal static class Baggage
{
    private const string OwnPrefix = "caracal.";

    /// <summary>The members that are not ours, comma-joined; null when none is left.</summary>
    public static string? Foreign(StringValues headers)
    {
        var kept = new StringBuilder();
        foreach (var header in headers)
        {
            foreach (var range in header.AsSpan().Split(','))
            {
                var member = header.AsSpan(range).Trim();
                if (!member.IsEmpty && !IsOurs(member))
                {
                    _ = kept.Length > 0 ? kept.Append(',') : kept;
                    kept.Append(member);
                }
            }
        }

        return kept.Length == 0 ? null : kept.ToString();
    }

    // An encoded key means the same key to a reader that decodes, as the SDKs' do.
    private static bool IsOurs(ReadOnlySpan<char> member)
    {
        var end = member.IndexOfAny('=', ';');
        var key = (end < 0 ? member : member[..end]).Trim();
        return key.Contains('%')
            ? Uri.UnescapeDataString(key.ToString()).StartsWith(OwnPrefix, StringComparison.OrdinalIgnoreCase)
            : key.StartsWith(OwnPrefix, StringComparison.OrdinalIgnoreCase);
    }
}
