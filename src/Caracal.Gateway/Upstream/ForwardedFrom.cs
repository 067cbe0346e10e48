using System.Net;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Upstream;

/// <summary>Who the upstream is told the caller is (gateway.md A9): the peer, unless trusted proxies stand before us.</summary>
/// <param name="Address">An IP address.</param>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
internal readonly record struct ForwardedFrom(string Address, string Scheme)
{
    public static ForwardedFrom Of(HttpContext http, GatewaySettings settings)
    {
        var peer = http.Connection.RemoteIpAddress ?? IPAddress.None;
        peer = peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer;
        var scheme = http.Request.IsHttps ? "https" : "http";
        if (!settings.TrustProxy || (settings.TrustedProxies.Count > 0 && !IsTrusted(peer, settings)))
        {
            return new ForwardedFrom(peer.ToString(), scheme);
        }

        var stated = http.Request.Headers["X-Forwarded-Proto"].ToString();
        return new ForwardedFrom(
            (RightMostUntrusted(http.Request.Headers["X-Forwarded-For"].ToString(), settings) ?? peer).ToString(),
            stated is "http" or "https" ? stated : scheme);
    }

    // From the right: each proxy appends, so what a caller made up stands to the left of what our proxies saw.
    private static IPAddress? RightMostUntrusted(string chain, GatewaySettings settings)
    {
        for (var end = chain.Length; end > 0;)
        {
            var comma = chain.LastIndexOf(',', end - 1);
            if (!IPAddress.TryParse(chain.AsSpan(comma + 1, end - comma - 1).Trim(), out var address))
            {
                return null;
            }

            if (!IsTrusted(address, settings))
            {
                return address;
            }

            end = comma;
        }

        return null;
    }

    private static bool IsTrusted(IPAddress address, GatewaySettings settings)
    {
        foreach (var network in settings.TrustedProxies)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
