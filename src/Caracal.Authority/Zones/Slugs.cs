using System.Text;

namespace Caracal.Authority.Zones;

/// <summary>Slugs made from names (api.md 4, 7, 8).</summary>
public static class Slugs
{
    /// <summary>Lower case, runs of anything but <c>[a-z0-9]</c> become one hyphen, none at the ends; nothing left gives <paramref name="fallback"/>.</summary>
    public static string From(string text, string fallback)
    {
        var slug = new StringBuilder(text.Length);
        foreach (var c in text.ToLowerInvariant())
        {
            if (c is >= 'a' and <= 'z' or >= '0' and <= '9') slug.Append(c);
            else if (slug.Length > 0 && slug[^1] != '-') slug.Append('-');
        }

        if (slug.Length > 0 && slug[^1] == '-') slug.Length--;
        return slug.Length == 0 ? fallback : slug.ToString();
    }

    /// <summary>True for <c>^[a-z0-9-]+$</c>.</summary>
    public static bool IsSlug(string text) =>
        text.Length > 0 && text.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '-');

    /// <summary>The slug itself, then <c>-2</c> to <c>-999</c>; the caller ends the search with something unique.</summary>
    public static IEnumerable<string> Candidates(string slug)
    {
        yield return slug;
        for (var n = 2; n <= 999; n++) yield return $"{slug}-{n}";
    }
}
