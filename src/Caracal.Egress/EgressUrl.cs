namespace Caracal.Egress;

/// <summary>An outgoing http(s) URL whose form is acceptable (gateway.md A10): no userinfo, a host, nothing else judged.</summary>
public sealed class EgressUrl
{
    private EgressUrl(Uri uri)
    {
        Uri = uri;
        Host = uri.IdnHost.Trim('[', ']').ToLowerInvariant();
        IsTls = uri.Scheme == Uri.UriSchemeHttps;
    }

    /// <summary>The parsed URL.</summary>
    public Uri Uri { get; }

    /// <summary>The host, lower case, without port or brackets.</summary>
    public string Host { get; }

    /// <summary>True for https.</summary>
    public bool IsTls { get; }

    /// <summary>Null when the text is no absolute http(s) URL, names a user, or has no host.</summary>
    public static EgressUrl? TryParse(string? text)
    {
        if (string.IsNullOrEmpty(text) || !HasAuthority(text) || !Uri.TryCreate(text, UriKind.Absolute, out var uri))
        {
            return null;
        }

        var acceptable = (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            && uri.UserInfo.Length == 0
            && !text.AsSpan(0, AuthorityEnd(text)).Contains('@') // "http://@host" has an empty, but present, userinfo
            && uri.IdnHost.Length > 0;
        return acceptable ? new EgressUrl(uri) : null;
    }

    // Uri forgives "http:/host" and back-slashes; what was configured must say exactly where it goes.
    private static bool HasAuthority(string text) =>
        (text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        && !text.AsSpan(0, AuthorityEnd(text)).ContainsAny('\\', ' ');

    private static int AuthorityEnd(string text)
    {
        var start = text.IndexOf("//", StringComparison.Ordinal) + 2;
        var length = text.AsSpan(start).IndexOfAny('/', '?', '#');
        return length < 0 ? text.Length : start + length;
    }
}
