using System.Collections.Immutable;
using System.Globalization;

namespace Caracal.Authority.TokenExchange;

/// <summary>Control keys: applications whose traits let them mint for the control audience without policy (sts.md 2.4).</summary>
public static class ControlKeyRules
{
    private const string Invoke = "control:invoke";
    private const string ScopeTrait = "control:scope:";
    private const string ExpiresTrait = "control:expires:";
    private const string MaxTtlTrait = "control:max-ttl:";

    /// <summary>True when the request has the shape of a control-key exchange, whoever sends it.</summary>
    public static bool HasShape(TokenRequest request, string controlAudience)
    {
        if (request.IsGateway || request.Resources.Count == 0 || request.Scopes.Count == 0
            || request.SubjectToken is not null || request.SessionId is not null
            || request.AgentSessionId is not null || request.DelegationEdgeId is not null)
        {
            return false;
        }

        foreach (var resource in request.Resources)
        {
            if (resource != controlAudience)
            {
                return false;
            }
        }

        foreach (var scope in request.Scopes)
        {
            if (!scope.StartsWith("control:", StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True when the application's traits grant every requested scope now.</summary>
    public static bool Grants(ExchangeApplication application, TokenRequest request, DateTimeOffset now)
    {
        if (!application.Traits.Contains(Invoke, StringComparer.Ordinal) || HasExpired(application.Traits, now))
        {
            return false;
        }

        foreach (var scope in request.Scopes)
        {
            if (!application.Traits.Contains(ScopeTrait + scope, StringComparer.Ordinal))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The lifetime after traits <c>control:max-ttl</c> and <c>control:expires</c>; one that cannot be read allows nothing.</summary>
    public static long Clamp(ExchangeApplication application, long seconds, DateTimeOffset now)
    {
        foreach (var trait in application.Traits)
        {
            if (EndOf(trait) is { } end)
            {
                seconds = LifetimeRules.Until(end, now, seconds);
                continue;
            }

            if (!trait.StartsWith(MaxTtlTrait, StringComparison.Ordinal))
            {
                continue;
            }

            seconds = long.TryParse(trait.AsSpan(MaxTtlTrait.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
                ? Math.Min(seconds, limit)
                : 0;
        }

        return seconds;
    }

    private static bool HasExpired(ImmutableArray<string> traits, DateTimeOffset now) => traits.Any(trait => EndOf(trait) <= now);

    // Null for any other trait; one that cannot be read has ended long ago.
    private static DateTimeOffset? EndOf(string trait) =>
        !trait.StartsWith(ExpiresTrait, StringComparison.Ordinal) ? null
        : DateTimeOffset.TryParse(trait.AsSpan(ExpiresTrait.Length), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end) ? end
        : DateTimeOffset.MinValue;
}
