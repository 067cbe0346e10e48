using System.Collections.Immutable;

namespace Caracal.Authority.Approvals;

/// <summary>One declaration of a <c>step_up_required</c> diagnostic, as policy stated it.</summary>
public sealed record TierDeclaration(string Tier, string? Approver, long? TtlSeconds, string? Privacy);

/// <summary>The terms of one hold, merged from every declaration of every resource (sts.md 8.2).</summary>
public sealed record HoldTerms(string Tier, string Approver, string Privacy, TimeSpan Ttl)
{
    private static readonly TimeSpan Minimum = TimeSpan.FromSeconds(60);

    /// <summary>Null when operator and subject would both have to decide.</summary>
    public static HoldTerms? Merge(IReadOnlyList<TierDeclaration> declarations)
    {
        var tiers = new SortedSet<string>(StringComparer.Ordinal);
        string? approver = null;
        var privacy = 0;
        long? ttl = null;
        foreach (var declaration in declarations)
        {
            tiers.Add(declaration.Tier);
            var asked = declaration.Approver ?? "operator";
            if (approver is null || approver == "any")
            {
                approver = asked;
            }
            else if (asked != "any" && asked != approver)
            {
                return null;
            }

            privacy = Math.Max(privacy, PrivacyLevels.IndexOf(declaration.Privacy ?? "identified"));
            ttl = declaration.TtlSeconds is { } seconds ? Math.Min(ttl ?? long.MaxValue, seconds) : ttl;
        }

        approver ??= "operator";
        return new HoldTerms(string.Join(',', tiers), approver, PrivacyLevels[privacy], Bounded(approver, ttl));
    }

    /// <summary>
    /// Whether a hold that was given meets these terms: every tier was named to whoever decided, the class that must decide did,
    /// and no less privately. A hold is found by what was asked for, which does not say what policy would demand for it now.
    /// </summary>
    public bool AreMetBy(string? tier, string approver, string privacy)
    {
        var decided = (tier ?? "").Split(',');
        return Array.TrueForAll(Tier.Split(','), name => decided.Contains(name, StringComparer.Ordinal))
            && (Approver == "any" || Approver == approver)
            && PrivacyLevels.IndexOf(privacy) >= PrivacyLevels.IndexOf(Privacy);
    }

    private static readonly ImmutableArray<string> PrivacyLevels = ["identified", "pseudonymous", "anonymous"];

    private static TimeSpan Bounded(string approver, long? seconds)
    {
        var (standard, longest) = approver == "operator"
            ? (TimeSpan.FromHours(4), TimeSpan.FromDays(7))
            : (TimeSpan.FromMinutes(15), TimeSpan.FromHours(24));
        if (seconds is null)
        {
            return standard;
        }

        var asked = seconds >= longest.TotalSeconds ? longest : TimeSpan.FromSeconds(seconds.Value);
        return asked < Minimum ? Minimum : asked;
    }
}
