namespace Caracal.Authority.Delegations;

/// <summary>How often a delegation, and all that comes of it together, may be used at the Gateway.</summary>
/// <param name="Calls">1 to 1,000,000,000.</param>
/// <param name="Unit">What its owner calls one use, 1 to 64 characters; null when they do not say.</param>
public sealed record DelegationBudget(long Calls, string? Unit)
{
    public const long MaximumCalls = 1_000_000_000;
    public const int MaximumUnitLength = 64;

    /// <summary>
    /// True when a delegation with <paramref name="child"/> may come from one with <paramref name="parent"/>. A child
    /// without one of its own spends its parent's; one with its own spends both, so it is never worth more than what is
    /// above it, and it counts the same thing.
    /// </summary>
    public static bool Narrows(DelegationBudget? parent, DelegationBudget? child) =>
        parent is null || child is null || (child.Calls <= parent.Calls && string.Equals(child.Unit ?? parent.Unit, parent.Unit, StringComparison.Ordinal));
}
