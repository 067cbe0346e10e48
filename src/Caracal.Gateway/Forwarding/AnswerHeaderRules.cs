using System.Buffers;
using System.Collections.Frozen;
using System.Net.Http.Headers;
using Caracal.Gateway.Upstream;
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
        "Alt-Svc", "X-Request-Id", "Content-Length",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // RFC 9110 6.5.1: what frames, routes, stores or authenticates a message must be known before its body.
    private static readonly FrozenSet<string> NoTrailers = new[]
    {
        "Location", "Set-Cookie", "WWW-Authenticate", "Authentication-Info", "Authorization", "Cookie", "Host", "Cache-Control", "Expires",
        "Date", "Age", "Vary", "Retry-After", "Warning", "Pragma", "Max-Forwards", "Expect", "Range", "Accept-Ranges",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // RFC 9110 5.5, without the bytes that the server would have to guess an encoding for.
    private static readonly SearchValues<char> ValueCharacters =
        SearchValues.Create(['\t', .. Enumerable.Range(' ', '~' - ' ' + 1).Select(static c => (char)c)]);

    /// <summary>Copies status and headers, and says how long the mandate still lives.</summary>
    /// <param name="from">The upstream's answer.</param>
    /// <param name="to">Ours.</param>
    /// <param name="secondsLeft">Not said unless positive.</param>
    /// <param name="credential">What the upstream was told in the query and the caller must not be; null when nothing.</param>
    public static void Copy(HttpResponseMessage from, HttpResponse to, long secondsLeft, QueryCredential? credential)
    {
        to.StatusCode = (int)from.StatusCode;
        var connection = from.Headers.NonValidated.TryGetValues("Connection", out var named)
            ? ConnectionOptions.Of(named.ToString())
            : default;
        Copy(from.Headers.NonValidated, to.Headers, connection, credential);
        Copy(from.Content.Headers.NonValidated, to.Headers, connection, credential);
        if (from.StatusCode is >= System.Net.HttpStatusCode.OK and not (System.Net.HttpStatusCode.NoContent or System.Net.HttpStatusCode.ResetContent))
        {
            to.ContentLength = from.Content.Headers.ContentLength; // as it was understood, not as it was written
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

    private static void Copy(HttpHeadersNonValidated from, IHeaderDictionary to, ConnectionOptions connection, QueryCredential? credential)
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
            if (credential is not null)
            {
                kept = kept.Select(value => isPlace ? credential.Without(value!) : value).Where(value => !credential.IsIn(value!)).ToArray();
            }

            if (kept.Count > 0 && !(isPlace && !IsRelative(kept.ToString())))
            {
                to[name] = kept;
            }
        }
    }

    private static bool Passes(string name) =>
        !Removed.Contains(name) && !name.StartsWith("X-Caracal-", StringComparison.OrdinalIgnoreCase);

    // A value that HTTP/1.1 cannot carry in ASCII would fail the whole answer, after the upstream has done what it was asked.
    private static StringValues Values(HeaderStringValues values)
    {
        if (values.Count == 1)
        {
            var value = values.ToString();
            return IsPlain(value) ? value : StringValues.Empty;
        }

        return values.Where(IsPlain).ToArray();
    }

    private static bool IsPlain(string value) => !value.AsSpan().ContainsAnyExcept(ValueCharacters);
}
