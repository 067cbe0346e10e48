using System.Globalization;
using System.Text.RegularExpressions;
using Caracal.Protocol;

namespace Caracal.Authority.Applications;

/// <summary>What an application's traits may be (api.md 5).</summary>
public static partial class TraitRules
{
    private const int MaximumCount = 64;

    private static readonly Refusal TooMany = new(403, "trait_count_exceeded");
    private static readonly Refusal Invalid = new(403, "trait_invalid");
    private static readonly Refusal Duplicate = new(403, "trait_duplicate");
    private static readonly Refusal Forbidden = new(403, "trait_forbidden");

    /// <param name="traits">As sent.</param>
    /// <param name="globalActor">Whether the caller may use the reserved namespaces.</param>
    public static Refusal? Check(IReadOnlyList<string> traits, bool globalActor)
    {
        if (traits.Count > MaximumCount) return TooMany;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var singles = new HashSet<string>(StringComparer.Ordinal);
        foreach (var trait in traits)
        {
            if (trait.Length is 0 or > 128 || !Form().IsMatch(trait)) return Invalid;
            if (!seen.Add(trait)) return Duplicate;
            var space = Namespace(trait);
            if (space is not ("control" or "caracal.sys")) continue;
            if (!globalActor) return Forbidden;
            if (space == "control" && !IsControlTrait(trait, singles)) return Invalid;
        }

        return null;
    }

    private static bool IsControlTrait(string trait, HashSet<string> singles)
    {
        if (trait == "control:invoke") return true;
        if (Value(trait, "control:scope:") is { } scope) return ControlScopes.All.Contains(scope);
        if (Value(trait, "control:max-ttl:") is { } ttl)
        {
            return singles.Add("max-ttl") && int.TryParse(ttl, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 60 and <= 900;
        }

        return Value(trait, "control:expires:") is { } time
            && singles.Add("expires")
            && DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _);
    }

    private static string? Value(string trait, string prefix) =>
        trait.StartsWith(prefix, StringComparison.Ordinal) ? trait[prefix.Length..] : null;

    private static string Namespace(string trait)
    {
        var colon = trait.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? trait : trait[..colon];
    }

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9._:-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
