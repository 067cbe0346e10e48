using System.Net;
using System.Net.Sockets;

namespace Caracal.Stack;

/// <summary>Free loopback ports for a private stack, all different.</summary>
public static class FreePorts
{
    /// <summary>The variables that put every role on a free port of its own.</summary>
    public static IReadOnlyDictionary<string, string?> Variables()
    {
        return StackRoles.All.Zip(Take(StackRoles.All.Count)).ToDictionary(
            pair => pair.First.ToUpperInvariant() + "__PORT", pair => (string?)pair.Second.ToString(), StringComparer.Ordinal);
    }

    /// <summary>Some ports, all different.</summary>
    public static IReadOnlyList<int> Take(int count)
    {
        // All sockets stay bound until the last port is known, so that no port is handed out twice.
        var sockets = Enumerable.Range(0, count).Select(_ => Bind()).ToList();
        var ports = sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port).ToList();
        sockets.ForEach(socket => socket.Dispose());
        return ports;
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
