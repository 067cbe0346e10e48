using Caracal.Egress;

namespace Caracal.Gateway.Upstream;

/// <summary>A resource's upstream URL, taken apart once and kept (gateway.md A4). Immutable.</summary>
internal sealed class UpstreamTarget
{
    private UpstreamTarget(EgressUrl url)
    {
        Host = url.Host;
        IsTls = url.IsTls;
        var host = url.Uri.HostNameType == UriHostNameType.IPv6 ? url.Uri.Host : url.Uri.IdnHost;
        Origin = $"{url.Uri.Scheme}://{host}{(url.Uri.IsDefaultPort ? "" : $":{url.Uri.Port}")}";
        var path = url.Uri.AbsolutePath;
        BasePath = path == "/" ? "" : path;
        Query = url.Uri.Query.TrimStart('?');
        QueryKeys = QueryRules.TryReadKeys(Query);
    }

    /// <summary>The host, lower case, without port: what the allowlists compare and the audit names.</summary>
    public string Host { get; }

    public bool IsTls { get; }

    /// <summary>Scheme, host and port.</summary>
    public string Origin { get; }

    /// <summary>Percent-encoded; empty for none or <c>/</c>.</summary>
    public string BasePath { get; }

    /// <summary>The configured query, percent-encoded, without the question mark.</summary>
    public string Query { get; }

    /// <summary>Its decoded keys, which win over the caller's; null when the configured query cannot be read.</summary>
    public QueryKeys? QueryKeys { get; }

    /// <summary>Null when the text is no acceptable URL.</summary>
    public static UpstreamTarget? TryParse(string url) => EgressUrl.TryParse(url) is { } parsed ? new UpstreamTarget(parsed) : null;
}
