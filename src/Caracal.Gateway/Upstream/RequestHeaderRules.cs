using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Upstream;

/// <summary>Which of the caller's headers go upstream (gateway.md A9, "Request headers").</summary>
internal static class RequestHeaderRules
{
    // Hop-by-hop, identity, and those that are set anew: host, content-length, x-request-id, traceparent.
    private static readonly FrozenSet<string> Removed = new[]
    {
        "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
        "Transfer-Encoding", "Upgrade", "Forwarded", "X-Real-Ip", "Authorization", "Host", "Content-Length",
        "X-Request-Id", "Traceparent", "Baggage",
        "Http2-Settings", // of an upgrade that ends here
        "Proxy", // to a CGI program it is HTTP_PROXY, the way out of its own calls
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Copies what may pass. <paramref name="credentialHeader"/> is left for the credential alone.</summary>
    public static void Copy(IHeaderDictionary from, HttpRequestMessage to, string? credentialHeader)
    {
        var connection = ConnectionOptions.Of(from.Connection);
        foreach (var (name, values) in from)
        {
            if (!connection.Names(name) && Passes(name, credentialHeader))
            {
                Add(to, name, values);
            }
        }

        var baggage = from.Baggage;
        if (baggage.Count > 0 && !connection.Names("Baggage") && Baggage.Foreign(baggage) is { } foreign)
        {
            to.Headers.TryAddWithoutValidation("baggage", foreign);
        }
    }

    // CGI and what descends from it read "_" and "-" as one, so a name that means ours there is held back as ours.
    private static bool Passes(string name, string? credentialHeader) =>
        name.Contains('_', StringComparison.Ordinal)
            ? IsForwardable(name.Replace('_', '-'), credentialHeader?.Replace('_', '-'))
            : IsForwardable(name, credentialHeader);

    private static bool IsForwardable(string name, string? credentialHeader) =>
        Passes(name) && !string.Equals(name, credentialHeader, StringComparison.OrdinalIgnoreCase);

    private static bool Passes(string name) =>
        name[0] != ':' // HTTP/2 pseudo-headers
        && !Removed.Contains(name)
        && !(name[0] is 'X' or 'x'
            && (name.StartsWith("X-Caracal-", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)));

    private static void Add(HttpRequestMessage to, string name, StringValues values)
    {
        if (values.Count == 1)
        {
            AddOne(to, name, values[0]);
            return;
        }

        foreach (var value in values)
        {
            AddOne(to, name, value);
        }
    }

    private static void AddOne(HttpRequestMessage to, string name, string? value)
    {
        if (to.Headers.TryAddWithoutValidation(name, value))
        {
            return;
        }

        // A header that describes content travels with it. A bodyless GET has none, and then it describes nothing.
        to.Content?.Headers.TryAddWithoutValidation(name, value);
    }
}
