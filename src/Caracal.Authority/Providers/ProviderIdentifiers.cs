using System.Text.RegularExpressions;
using Caracal.Authority.Zones;

namespace Caracal.Authority.Providers;

/// <summary>Identifiers <c>provider://…</c> (api.md 7).</summary>
public static partial class ProviderIdentifiers
{
    private const string Prefix = "provider://";

    public static bool IsIdentifier(string text) => Form().IsMatch(text);

    /// <summary>The identifier a provider gets when its caller sends none, and its successors on a clash.</summary>
    public static IEnumerable<string> Candidates(string? name, string kind)
    {
        var source = string.IsNullOrWhiteSpace(name) ? $"{kind} provider" : name.Trim();
        if (source.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) source = source[Prefix.Length..];
        return Slugs.Candidates(Slugs.From(source, "provider")).Select(slug => Prefix + slug);
    }

    [GeneratedRegex(@"^provider://[a-z0-9]+(?:-[a-z0-9]+)*$", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
