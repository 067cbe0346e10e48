using System.Net;

namespace Caracal.Egress;

/// <summary>Resolves names, but never to this machine: for the STS and the API loopback is closed even to hosts an operator opened (sts.md 9.6).</summary>
public sealed class PublicResolver(IHostResolver inner) : IHostResolver
{
    public async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        var addresses = await inner.ResolveAsync(host, cancellationToken);
        return Array.Exists(addresses, address => IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
            ? []
            : addresses;
    }
}
