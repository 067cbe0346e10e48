namespace Caracal.Sdk;

/// <summary>What a child Session gets of its parent's authority: all of it, part of it, or none.</summary>
public abstract record Authority
{
    private protected Authority()
    {
    }

    /// <summary>The child holds what its parent holds.</summary>
    public static Authority Inherit { get; } = new InheritedAuthority();

    /// <summary>The child holds nothing until a Delegation is accepted.</summary>
    public static Authority None { get; } = new NoAuthority();

    /// <summary>The child holds these scopes of one resource, or of those in <paramref name="constraints"/>.</summary>
    /// <param name="scopes">A part of the parent's.</param>
    /// <param name="ttlSeconds">More than 0; at most what the parent has left.</param>
    /// <param name="resourceId">The resource; may be left out when the constraints name some.</param>
    /// <param name="constraints">Further bounds.</param>
    /// <param name="allowChildren">True when the child will hand authority on: without it, what it inherits to children cannot be used.</param>
    public static Authority Narrow(
        IReadOnlyList<string> scopes, int ttlSeconds, string? resourceId = null, DelegationConstraints? constraints = null, bool allowChildren = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ttlSeconds);
        if (resourceId is null && constraints?.Resources is not { Count: > 0 })
        {
            throw new ArgumentException("name a resource, here or in the constraints: authority over every resource is not given to applications", nameof(resourceId));
        }

        if (allowChildren && constraints?.MaxHops is null && constraints?.MaxDepth is null) constraints = (constraints ?? new DelegationConstraints()) with { MaxHops = 2 };
        return new NarrowedAuthority(scopes, ttlSeconds, resourceId, constraints);
    }
}

internal sealed record InheritedAuthority : Authority;

internal sealed record NoAuthority : Authority;

internal sealed record NarrowedAuthority(IReadOnlyList<string> Scopes, int TtlSeconds, string? ResourceId, DelegationConstraints? Constraints) : Authority;
