using System.Net;
using System.Net.Sockets;

namespace Caracal.TestKit;

/// <summary>A loopback port for a server that a test starts.</summary>
public static class FreePort
{
    private const int Lowest = 10_000;
    private const int Beyond = 20_000; // the product's own private stacks begin here, and outgoing connections further up

    /// <summary>A port that nobody has now, and that the system gives to nobody by itself before the server takes it.</summary>
    public static int Take()
    {
        for (var tries = 100; ; tries--)
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(Lowest, Beyond));
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException) when (tries > 1)
            {
                // Taken: another one.
            }
        }
    }
}
