namespace Caracal.Cli.Run.CredentialFree;

/// <summary>Which resource a request at the proxy is for, and the path there: by its base address, or by the upstream's own address.</summary>
internal static class ProxyTarget
{
    /// <param name="target">The request line's target as it came.</param>
    /// <param name="resources">What the run may reach.</param>
    public static (ProxyResource Resource, string PathAndQuery)? Find(string target, IReadOnlyList<ProxyResource> resources)
    {
        return target.StartsWith('/') ? ByBase(target, resources) : ByUpstream(target, resources);
    }

    private static (ProxyResource, string)? ByBase(string target, IReadOnlyList<ProxyResource> resources)
    {
        var end = target.AsSpan(1).IndexOfAny('/', '?');
        var slug = end < 0 ? target[1..] : target.Substring(1, end);
        var rest = end < 0 ? "/" : target[(end + 1)..];
        return resources.FirstOrDefault(resource => resource.Slug == slug) is { } found ? (found, rest.StartsWith('/') ? rest : "/" + rest) : null;
    }

    // HTTP_PROXY style: the whole address is in the request line. The child writes http where the upstream is https: TLS begins behind us.
    private static (ProxyResource, string)? ByUpstream(string target, IReadOnlyList<ProxyResource> resources)
    {
        var best = resources
            .Where(resource => resource.Binding.UpstreamPrefix is not null)
            .Select(resource => (Resource: resource, Prefix: WithoutScheme(resource.Binding.UpstreamPrefix!).TrimEnd('/')))
            .Where(pair => Covers(pair.Prefix, WithoutScheme(target)))
            .OrderByDescending(pair => pair.Prefix.Length)
            .FirstOrDefault();
        if (best.Resource is null) return null;
        var rest = WithoutScheme(target)[best.Prefix.Length..];
        return (best.Resource, rest.StartsWith('/') ? rest : "/" + rest);
    }

    private static string WithoutScheme(string url) => url[(url.IndexOf("://", StringComparison.Ordinal) is var at and >= 0 ? at + 3 : 0)..];

    private static bool Covers(string prefix, string address)
    {
        if (!address.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) return false;
        var slash = prefix.IndexOf('/', StringComparison.Ordinal); // hosts do not care for case, paths do
        if (slash >= 0 && !address.AsSpan(slash, prefix.Length - slash).SequenceEqual(prefix.AsSpan(slash))) return false;
        return address.Length == prefix.Length || address[prefix.Length] is '/' or '?';
    }
}
