namespace Caracal.Authority.Delegations;

/// <summary>
/// Which resources an edge can be used for: every one, or the listed identifiers. An edge that names one resource
/// reaches that one alone, whatever its list says, because the STS demands both (sts.md 3).
/// </summary>
public sealed class ResourceReach
{
    /// <summary>Reaches everything; only a broad delegation does.</summary>
    public static readonly ResourceReach Everything = new(null);

    /// <summary>Reaches nothing; what an edge whose resource is gone is left with.</summary>
    public static readonly ResourceReach Nothing = new([]);

    private readonly HashSet<string>? _identifiers;

    private ResourceReach(HashSet<string>? identifiers) => _identifiers = identifiers;

    /// <summary>True when no resource is named.</summary>
    public bool IsBroad => _identifiers is null;

    /// <summary>The identifiers, sorted; empty when broad.</summary>
    public IReadOnlyList<string> Identifiers => _identifiers is null ? [] : [.. _identifiers.Order(StringComparer.Ordinal)];

    /// <param name="namesResource">The edge's <c>resource_id</c> is set.</param>
    /// <param name="namedIdentifier">That resource's identifier; null when the row is gone.</param>
    /// <param name="listed">The constraint's <c>resources</c>.</param>
    public static ResourceReach Of(bool namesResource, string? namedIdentifier, IReadOnlyList<string>? listed)
    {
        if (namesResource)
        {
            return namedIdentifier is null || (listed is { Count: > 0 } && !listed.Contains(namedIdentifier, StringComparer.Ordinal))
                ? Nothing
                : new ResourceReach([namedIdentifier]);
        }

        return listed is { Count: > 0 } ? new ResourceReach([.. listed]) : Everything;
    }

    /// <summary>True when everything <paramref name="other"/> reaches is reached here too.</summary>
    public bool Covers(ResourceReach other) =>
        _identifiers is null || (other._identifiers is { } theirs && theirs.IsSubsetOf(_identifiers));
}
