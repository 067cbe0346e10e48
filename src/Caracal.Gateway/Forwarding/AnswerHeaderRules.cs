using System.Collections.Frozen;
using System.Net.Http.Headers;
using System.Text;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Forwarding;

/// <summary>Which of the upstream's headers reach the caller (gateway.md A9, "Response headers").</summary>
internal static class AnswerHeaderRules
{
    private static readonly FrozenSet<string> Removed = new[]
    {
        "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
        "Transfer-Encoding", "Upgrade", "Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version", "Refresh",
        "Alt-Svc", "X-Request-Id",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // RFC 9110 6.5.1: what frames, routes, stores or authenticates a message must be known before its body.
    private static readonly FrozenSet<string> NoTrailers = new[]
    {
        "Location", "Set-Cookie", "WWW-Authenticate", "Authentication-Info", "Authorization", "Cookie", "Host", "Cache-Control", "Expires",
        "Date", "Age", "Vary", "Retry-After", "Warning", "Pragma", "Max-Forwards", "Expect", "Range", "Accept-Ranges",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Copies status and headers, and says how long the mandate still lives.</summary>
    public static void Copy(HttpResponseMessage from, HttpResponse to, long secondsLeft)
    {
        to.StatusCode = (int)from.StatusCode;
        var connection = from.Headers.NonValidated.TryGetValues("Connection", out var named)
            ? Upstream.ConnectionOptions.Of(named.ToString())
            : default;
        Copy(from.Headers.NonValidated, to.Headers, connection);
        Copy(from.Content.Headers.NonValidated, to.Headers, connection);
        if (from.StatusCode is System.Net.HttpStatusCode.NoContent or System.Net.HttpStatusCode.ResetContent)
        {
            to.Headers.ContentLength = null;
        }

        if (secondsLeft > 0)
        {
            to.Headers[CaracalHeaders.TokenExpiresIn] = secondsLeft.ToString();
        }

        to.Headers.Trailer = CaracalHeaders.Revoked;
    }

    /// <summary>True for a header that may be a trailer too.</summary>
    public static bool PassesAsTrailer(string name, string value) =>
        Passes(name) && !NoTrailers.Contains(name) && IsPlain(value) && !name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase);

    /// <summary>True when a <c>Location</c> stays on the Gateway: relative, and not by the tricks that browsers fall for.</summary>
    public static bool IsRelative(string location)
    {
        var text = location.AsSpan().Trim();
        if (text.IsEmpty || text.ContainsAnyInRange('\0', '\x1f') || (text.Length > 1 && text[0] is '/' or '\\' && text[1] is '/' or '\\'))
        {
            return false;
        }

        var end = text.IndexOfAny('/', '?', '#');
        var colon = text.IndexOf(':');
        return (colon < 0 || (end >= 0 && end < colon)) && text[0] != '\\' && Uri.TryCreate(location, UriKind.Relative, out _);
    }

    private static void Copy(HttpHeadersNonValidated from, IHeaderDictionary to, Upstream.ConnectionOptions connection)
    {
        foreach (var (name, values) in from)
        {
            if (!Passes(name) || connection.Names(name))
            {
                continue;
            }

            var kept = Values(values);
            var isPlace = name.Equals("Location", StringComparison.OrdinalIgnoreCase)
                || name.Equals("Content-Location", StringComparison.OrdinalIgnoreCase);
            if (kept.Count > 0 && !(isPlace && !IsRelative(kept.ToString())))
            {
                to[name] = kept;
            }
        }
    }

    private static bool Passes(string name) =>
        !Removed.Contains(name) && !name.StartsWith("X-Caracal-", StringComparison.OrdinalIgnoreCase);

    // A value that HTTP/1.1 cannot carry in ASCII would fail the whole answer.
    private static StringValues Values(HeaderStringValues values)
    {
        if (values.Count == 1)
        {
            var value = values.ToString();
            return IsPlain(value) ? value : StringValues.Empty;
        }

        return values.Where(IsPlain).ToArray();
    }

    private static bool IsPlain(string value) => Ascii.IsValid(value) && !value.AsSpan().ContainsAny('\r', '\n', '\0');
}
