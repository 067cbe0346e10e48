namespace Caracal.Gateway.Admission;

/// <summary>
/// The request target as it stood on the wire (gateway.md A4): the framework's own path has its dot segments removed,
/// which would hide exactly what must be refused.
/// </summary>
internal readonly struct RequestTarget
{
    private RequestTarget(string path, string query, bool isPath)
    {
        Path = path;
        Query = query;
        IsPath = isPath;
    }

    /// <summary>Still percent-encoded; begins with <c>/</c> when <see cref="IsPath"/>.</summary>
    public string Path { get; }

    /// <summary>Still percent-encoded, without the question mark.</summary>
    public string Query { get; }

    /// <summary>False for <c>*</c> and <c>host:port</c>, which name no path.</summary>
    public bool IsPath { get; }

    public static RequestTarget Parse(string raw)
    {
        var fragment = raw.IndexOf('#', StringComparison.Ordinal);
        var target = fragment < 0 ? raw : raw[..fragment];
        if (!target.StartsWith('/'))
        {
            target = AfterAuthority(target);
        }

        var question = target.IndexOf('?', StringComparison.Ordinal);
        var path = question < 0 ? target : target[..question];
        return new RequestTarget(path, question < 0 ? "" : target[(question + 1)..], path.StartsWith('/'));
    }

    // The absolute form, "http://host/path?query"; its host is as untrusted as a Host header and is not looked at.
    private static string AfterAuthority(string target)
    {
        var scheme = target.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
        {
            return target;
        }

        var start = target.AsSpan(scheme + 3).IndexOfAny('/', '?');
        if (start < 0)
        {
            return "/";
        }

        var rest = target[(scheme + 3 + start)..];
        return rest[0] == '?' ? "/" + rest : rest;
    }
}
