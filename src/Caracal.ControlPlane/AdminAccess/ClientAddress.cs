using System.Net;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.AdminAccess;

/// <summary>
/// Whose address a request counts under: the peer's; behind trusted proxies the right-most <c>X-Forwarded-For</c> entry
/// that is none of them, because the left-most is what callers forge (gateway.md A9).
/// </summary>
internal sealed class ClientAddress(ControlPlaneSettings settings)
{
    public IPAddress Of(HttpContext context)
    {
        var peer = Plain(context.Connection.RemoteIpAddress ?? IPAddress.None);
        if (!settings.TrustProxy) return peer;
        var hops = string.Join(',', context.Request.Headers["X-Forwarded-For"].ToArray())
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        for (var i = hops.Length - 1; i >= 0; i--)
        {
            if (!IPAddress.TryParse(hops[i], out var address)) return peer;
            address = Plain(address);
            if (!settings.TrustedProxies.Any(network => network.Contains(address))) return address;
        }

        return peer;
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
