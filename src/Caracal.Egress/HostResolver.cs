using System.Net;

namespace Caracal.Egress;

/// <summary>Where names become addresses.</summary>
public interface IHostResolver
{
    /// <summary>All addresses of a name; throws <see cref="System.Net.Sockets.SocketException"/> when there is none.</summary>
    Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken);
}

/// <summary>The machine's resolver.</summary>
public sealed class SystemHostResolver : IHostResolver
{
    public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) =>
        Dns.GetHostAddressesAsync(host, cancellationToken);
}
