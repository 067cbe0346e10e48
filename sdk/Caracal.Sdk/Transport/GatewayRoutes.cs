using Caracal.Protocol;

namespace Caracal.Sdk.Transport;

/// <summary>Which requests belong to the Gateway, and what they look like there (sdk.md 7).</summary>
internal sealed class GatewayRoutes
{
    private const int DeepestEncoding = 8;

    private readonly Uri _gateway;
    private readonly string _base;
    private readonly (Uri Prefix, string Path, string Resource)[] _bindings;

    public GatewayRoutes(CaracalOptions options)
    {
        _gateway = new Uri(options.GatewayUrl.TrimEnd('/') + "/");
        _base = _gateway.AbsoluteUri.TrimEnd('/');
        var latest = options.Resources.GroupBy(binding => binding.ResourceId, StringComparer.Ordinal).Select(group => group.Last());
        _bindings =
        [
            .. latest.Where(binding => binding.UpstreamPrefix is not null)
                .Select(binding => (Prefix: new Uri(binding.UpstreamPrefix!), binding.ResourceId))
                .Select(binding => (binding.Prefix, binding.Prefix.AbsolutePath.TrimEnd('/'), binding.ResourceId))
                .OrderByDescending(binding => binding.Item2.Length),
        ];
    }

    /// <summary>Points the request at the Gateway if it is for a resource; answers which one, or null for a request that is none of ours.</summary>
    /// <param name="request">Changed when it is routed.</param>
    /// <param name="named">The resource of requests without a binding.</param>
    /// <exception cref="InvalidOperationException">The request names a resource and a path that could mean another one.</exception>
    public string? Route(HttpRequestMessage request, string? named)
    {
        var url = request.RequestUri ?? throw new InvalidOperationException("the request has no address");
        var header = request.Headers.NonValidated.TryGetValues(CaracalHeaders.Resource, out var values) ? values.FirstOrDefault() : null;
        var resource = header ?? named;
        if (!url.IsAbsoluteUri)
        {
            if (resource is null) throw new InvalidOperationException("a relative address needs a resource");
            return Send(request, resource, url.OriginalString.StartsWith('/') ? url.OriginalString : "/" + url.OriginalString, header);
        }

        if (IsInGateway(url))
        {
            return Inside(request, resource, header, url);
        }

        foreach (var (prefix, path, bound) in _bindings)
        {
            if (!Matches(url, prefix, path)) continue;
            if (IsDevious(url)) return null;
            var rest = url.AbsolutePath[path.Length..];
            return Send(request, header ?? bound, (rest.Length == 0 ? "/" : rest) + url.Query, header);
        }

        return header is null ? null : Send(request, header, url.PathAndQuery, header);
    }

    /// <summary>Address and headers of a request to the Gateway.</summary>
    public Uri UrlOf(string path) =>
        path.Contains("://", StringComparison.Ordinal) || path.Contains('#', StringComparison.Ordinal) || path.StartsWith("//", StringComparison.Ordinal)
            ? throw new ArgumentException("the path of a Gateway request is relative and has no fragment", nameof(path))
            : HasDots(path.AsSpan(0, path.IndexOf('?', StringComparison.Ordinal) is var query and >= 0 ? query : path.Length))
                ? throw new ArgumentException("the path of a Gateway request has no dot segments", nameof(path))
                : new Uri(_base + (path.StartsWith('/') ? path : "/" + path));

    private string? Inside(HttpRequestMessage request, string? resource, string? header, Uri url)
    {
        if (IsDevious(url)) throw new ArgumentException("the path of a Gateway request has no dot segments", nameof(url));
        if (header is null && resource is not null) request.Headers.TryAddWithoutValidation(CaracalHeaders.Resource, resource);
        return resource ?? "";
    }

    private string Send(HttpRequestMessage request, string resource, string pathAndQuery, string? header)
    {
        request.RequestUri = UrlOf(pathAndQuery);
        if (header is null) request.Headers.TryAddWithoutValidation(CaracalHeaders.Resource, resource);
        request.Headers.Host = null;
        return resource;
    }

    private bool IsInGateway(Uri url) => Matches(url, _gateway, _gateway.AbsolutePath.TrimEnd('/'));

    private static bool Matches(Uri url, Uri prefix, string path) =>
        url.Port == prefix.Port && url.Scheme == prefix.Scheme && string.Equals(url.Host, prefix.Host, StringComparison.OrdinalIgnoreCase)
        && url.AbsolutePath.StartsWith(path, StringComparison.Ordinal) && (url.AbsolutePath.Length == path.Length || url.AbsolutePath[path.Length] == '/');

    // The text as it was written: by now Uri has taken plain dots out, and what they pointed to may be another resource.
    private static bool IsDevious(Uri url)
    {
        var text = url.OriginalString.AsSpan();
        if (!text.ContainsAny('%', '\\') && !text.Contains("/.", StringComparison.Ordinal)) return false;
        var start = text.IndexOf("://", StringComparison.Ordinal);
        var rest = start < 0 ? text : text[(start + 3)..];
        var slash = rest.IndexOfAny('/', '\\');
        if (slash < 0) return false;
        var path = rest[slash..];
        var end = path.IndexOfAny('?', '#');
        return HasDots(end < 0 ? path : path[..end]);
    }

    private static bool HasDots(ReadOnlySpan<char> path)
    {
        if (HasPlainDots(path)) return true;
        if (!path.Contains('%')) return false;
        var text = path.ToString();
        for (var i = 0; i < DeepestEncoding; i++)
        {
            var decoded = Uri.UnescapeDataString(text);
            if (HasPlainDots(decoded)) return true;
            if (decoded == text) return false;
            text = decoded;
        }

        return true; // still not plain after so many layers: nobody writes that honestly
    }

    private static bool HasPlainDots(ReadOnlySpan<char> path)
    {
        if (path.Contains('\\')) return true;
        foreach (var range in path.Split('/'))
        {
            if (path[range] is "." or "..") return true;
        }

        return false;
    }
}
