using System.Globalization;

namespace Caracal.Audit.Search;

/// <summary>Limits in query strings: larger ones are clamped, anything that is no positive integer is refused (audit.md 10).</summary>
internal static class QueryNumbers
{
    public static bool TryLimit(string? text, int whenUnset, int maximum, out int limit)
    {
        limit = whenUnset;
        if (text is null)
        {
            return true;
        }

        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number <= 0)
        {
            return false;
        }

        limit = (int)Math.Min(number, maximum);
        return true;
    }
}
