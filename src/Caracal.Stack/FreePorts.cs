using System.Net;
using System.Net.Sockets;

namespace Caracal.Stack;

/// <summary>Free loopback ports for a private stack, all different.</summary>
public static class FreePorts
{
    /// <summary>The variables that put every role on a free port of its own.</summary>
    public static IReadOnlyDictionary<string, string?> Variables()
    {
        // All sockets stay bound until the last port is known, so that no port is handed out twice.
        var sockets = StackRoles.All.Select(_ => Bind()).ToList();
        var variables = StackRoles.All.Zip(sockets).ToDictionary(
            pair => pair.First.ToUpperInvariant() + "__PORT",
            pair => (string?)((IPEndPoint)pair.Second.LocalEndPoint!).Port.ToString(),
            StringComparer.Ordinal);
        sockets.ForEach(socket => socket.Dispose());
        return variables;
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
