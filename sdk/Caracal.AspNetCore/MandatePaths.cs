using Caracal.Verifier;

namespace Caracal.AspNetCore;

/// <summary>The path rules of the middleware, read once.</summary>
internal sealed class MandatePaths
{
    private readonly string[] _excluded;
    private readonly (string Prefix, MandateRequirements Requirements)[] _routes;
    private readonly MandateRequirements _server;

    public MandatePaths(MandateMiddlewareOptions options, MandateRequirements server)
    {
        _server = server;
        _excluded = [.. options.Exclude.Select(Clean)];
        _routes =
        [
            .. options.Overrides
                .Select(route => (Clean(route.Key), route.Value.ApplyTo(server)))
                .OrderByDescending(route => route.Item1.Length),
        ];
    }

    /// <summary>True for a path that is left alone.</summary>
    /// <remarks>By case: where the router does not care, <c>/Health</c> is verified although <c>/health</c> is excluded, never the other way.</remarks>
    public bool IsExcluded(string path) => Array.Exists(_excluded, prefix => Covers(prefix, path, StringComparison.Ordinal));

    /// <summary>What a mandate must carry on this path.</summary>
    public MandateRequirements For(string path)
    {
        foreach (var (prefix, requirements) in _routes)
        {
            if (Covers(prefix, path, StringComparison.OrdinalIgnoreCase))
            {
                return requirements;
            }
        }

        return _server;
    }

    private static bool Covers(string prefix, string path, StringComparison comparison) =>
        path.StartsWith(prefix, comparison) && (path.Length == prefix.Length || prefix.Length == 0 || path[prefix.Length] == '/');

    private static string Clean(string prefix)
    {
        if (!prefix.StartsWith('/'))
        {
            throw new ArgumentException($"the path prefix '{prefix}' must begin with a slash");
        }

        return prefix.TrimEnd('/');
    }
}
