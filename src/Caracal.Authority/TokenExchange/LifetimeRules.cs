namespace Caracal.Authority.TokenExchange;

/// <summary>How long a mandate may live (sts.md 2.4). Seconds are whole; a fraction is never rounded up.</summary>
public static class LifetimeRules
{
    /// <summary>The default of every grant path, and the cap of <c>use=resource</c>.</summary>
    public const long DefaultSeconds = 900;

    /// <summary>Cap of a Gateway exchange; every other path is capped by <c>MAX_GRANT_TTL_SECONDS</c>.</summary>
    public const long ResourceCapSeconds = 900;

    /// <summary>True when a requested lifetime is 0 (default) or between 1 and the cap.</summary>
    public static bool IsInRange(long requested, bool gateway, long maximum) => requested >= 0 && requested <= Cap(gateway, maximum);

    /// <summary>The lifetime before clamps.</summary>
    public static long Requested(long requested, bool gateway, long maximum) =>
        requested == 0 ? Math.Min(DefaultSeconds, Cap(gateway, maximum)) : requested;

    /// <summary>The clamp of a Delegation; null when it leaves no lifetime.</summary>
    public static long? WithinDelegation(long seconds, DelegationProof proof, DateTimeOffset now)
    {
        seconds = Until(proof.Edge.ExpiresAt, now, seconds);
        if (proof.Constraints.TtlSeconds is > 0 and var limit)
        {
            seconds = Math.Min(seconds, limit);
        }

        if (proof.Constraints.Expiry is { } end)
        {
            seconds = Until(end, now, seconds);
        }

        return seconds > 0 ? seconds : null;
    }

    /// <summary>The lesser of <paramref name="seconds"/> and the whole seconds left until <paramref name="end"/>; what has no end limits nothing.</summary>
    public static long Until(DateTimeOffset? end, DateTimeOffset now, long seconds) =>
        end is { } time ? Math.Min(seconds, (long)Math.Floor((time - now).TotalSeconds)) : seconds;

    private static long Cap(bool gateway, long maximum) => gateway ? Math.Min(ResourceCapSeconds, maximum) : maximum;
}
