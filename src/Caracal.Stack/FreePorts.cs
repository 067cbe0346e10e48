using System.Net;
using System.Net.Sockets;

namespace Caracal.Stack;

/// <summary>Free loopback ports for a private stack, all different.</summary>
public static class FreePorts
{
    private const int Lowest = 20_000;
    private const int Beyond = 32_768; // where Linux begins to give ports to outgoing connections
    private const int MostTries = 100;

    /// <summary>The variables that put every role on a free port of its own.</summary>
    public static IReadOnlyDictionary<string, string?> Variables()
    {
        return StackRoles.All.Zip(Take(StackRoles.All.Count)).ToDictionary(
            pair => pair.First.ToUpperInvariant() + "__PORT", pair => (string?)pair.Second.ToString(), StringComparer.Ordinal);
    }

    /// <summary>Some ports from 20000 to 32767, all different.</summary>
    /// <exception cref="SocketException">A hundred ports in a row were taken.</exception>
    public static IReadOnlyList<int> Take(int count)
    {
        // All sockets stay bound until the last port is known, so that no port is handed out twice.
        var sockets = Enumerable.Range(0, count).Select(_ => Bind()).ToList();
        var ports = sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port).ToList();
        sockets.ForEach(socket => socket.Dispose());
        return ports;
    }

    // Not a port that the system itself would choose: it gives those to outgoing connections too, and one of them could have it
    // before its server does.
    private static Socket Bind()
    {
        for (var tries = MostTries; ; tries--)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, Random.Shared.Next(Lowest, Beyond)));
                return socket;
            }
            catch (SocketException) when (tries > 1)
            {
                socket.Dispose(); // taken
            }
        }
    }
}
