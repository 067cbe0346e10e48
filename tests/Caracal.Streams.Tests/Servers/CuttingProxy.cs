using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Caracal.Streams.Tests.Servers;

/// <summary>A wire that can be cut: passes bytes both ways until it swallows what the server says.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _open = [];
    private readonly int _target;
    private volatile bool _swallows;

    public CuttingProxy(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>From now on the server's replies vanish.</summary>
    public void Swallow() => _swallows = true;

    /// <summary>Cuts what is open; new connections work again.</summary>
    public void Cut()
    {
        while (_open.TryTake(out var client))
        {
            client.Dispose();
        }

        _swallows = false;
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        Cut();
        return default;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                var server = new TcpClient();
                await server.ConnectAsync(IPAddress.Loopback, _target);
                _open.Add(client);
                _open.Add(server);
                _ = PumpAsync(client.GetStream(), server.GetStream(), fromServer: false);
                _ = PumpAsync(server.GetStream(), client.GetStream(), fromServer: true);
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, bool fromServer)
    {
        var bytes = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await from.ReadAsync(bytes)) > 0)
            {
                if (!fromServer || !_swallows)
                {
                    await to.WriteAsync(bytes.AsMemory(0, read));
                }
            }
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            // Cut.
        }

        to.Dispose();
    }
}
