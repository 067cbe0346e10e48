namespace Caracal.Authority.TokenExchange;

/// <summary>The space-delimited <c>scope</c> field and what may be minted for a resource (sts.md 2, 2.2).</summary>
public static class Scopes
{
    /// <summary>Lifecycle calls at the Coordinator; mintable on every resource that has an upstream.</summary>
    public const string AgentLifecycle = "agent:lifecycle";

    /// <summary>Splits on white space; empty and null give no scopes.</summary>
    public static string[] Split(string? scope) =>
        string.IsNullOrWhiteSpace(scope) ? [] : scope.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>True when every requested scope is declared by the resource, or is <c>agent:lifecycle</c> on one with an upstream.</summary>
    public static bool AreMintable(IReadOnlyList<string> requested, ExchangeResource resource)
    {
        for (var i = 0; i < requested.Count; i++)
        {
            var scope = requested[i];
            var lifecycle = resource.UpstreamUrl is { Length: > 0 } && scope == AgentLifecycle;
            if (!lifecycle && !resource.Scopes.Contains(scope))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True when every scope of <paramref name="requested"/> is in <paramref name="allowed"/>.</summary>
    public static bool AreWithin(IReadOnlyList<string> requested, IReadOnlyList<string> allowed)
    {
        for (var i = 0; i < requested.Count; i++)
        {
            if (!Contains(allowed, requested[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Ordinal membership without allocation.</summary>
    public static bool Contains(IReadOnlyList<string> list, string value)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (string.Equals(list[i], value, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
