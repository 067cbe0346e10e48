using System.Net;
using Microsoft.AspNetCore.Http;

namespace Caracal.Coordinator.Requests;

/// <summary>
/// Whose address a request counts under: the peer's; with <c>TRUST_PROXY</c> the right-most entry of
/// <c>X-Forwarded-For</c> that is no trusted proxy. The left-most is what callers can forge (gateway.md A9).
/// </summary>
internal static class ClientAddress
{
    public static IPAddress Of(HttpContext context, CoordinatorSettings settings)
    {
        var peer = Plain(context.Connection.RemoteIpAddress ?? IPAddress.None);
        if (!settings.TrustProxy)
        {
            return peer;
        }

        var hops = string.Join(',', context.Request.Headers["X-Forwarded-For"].ToArray())
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        for (var i = hops.Length - 1; i >= 0; i--)
        {
            if (!IPAddress.TryParse(hops[i], out var address))
            {
                return peer;
            }

            address = Plain(address);
            if (!settings.TrustedProxies.Any(network => network.Contains(address)))
            {
                return address;
            }
        }

        return peer;
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
