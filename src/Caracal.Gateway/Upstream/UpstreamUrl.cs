using System.Buffers;
using System.Text;

namespace Caracal.Gateway.Upstream;

/// <summary>Builds the URL that goes upstream from the configured one and what the STS authorised (gateway.md A4).</summary>
internal static class UpstreamUrl
{
    private static readonly UriCreationOptions Exact = new() { DangerousDisablePathAndQueryCanonicalization = true };

    // RFC 3986 pchar and "/": everything else in a decoded path is escaped again.
    private static readonly SearchValues<char> PathCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/");

    /// <summary>The URL to call; null when it cannot be built.</summary>
    public static Uri? TryBuild(UpstreamTarget target, string decodedPath, string callerQuery, string? credentialKey, string? credential)
    {
        if (target.QueryKeys is null || QueryRules.TryMerge(target.Query, target.QueryKeys, callerQuery) is not { } query)
        {
            return null;
        }

        if (credentialKey is not null)
        {
            query = QueryRules.Set(query, credentialKey, credential!);
        }

        var path = Join(target.BasePath, Escape(decodedPath));
        var text = query.Length == 0 ? string.Concat(target.Origin, path) : string.Concat(target.Origin, path, "?", query);
        return Uri.TryCreate(text, Exact, out var url) ? url : null;
    }

    private static string Join(string basePath, string path)
    {
        if (basePath.Length == 0)
        {
            return path.Length == 0 ? "/" : path;
        }

        if (path is "" or "/")
        {
            return basePath;
        }

        return basePath.EndsWith('/') ? string.Concat(basePath.AsSpan(0, basePath.Length - 1), path) : string.Concat(basePath, path);
    }

    private static string Escape(string path)
    {
        if (!path.AsSpan().ContainsAnyExcept(PathCharacters))
        {
            return path;
        }

        var bytes = Encoding.UTF8.GetBytes(path);
        var escaped = new StringBuilder(bytes.Length + 16);
        foreach (var b in bytes)
        {
            if (PathCharacters.Contains((char)b))
            {
                escaped.Append((char)b);
            }
            else
            {
                escaped.Append('%').Append(b.ToString("X2"));
            }
        }

        return escaped.ToString();
    }
}
