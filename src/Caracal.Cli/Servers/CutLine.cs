using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Caracal.Stack;

namespace Caracal.Cli.Servers;

/// <summary>A line on loopback to a server of this machine, which can be cut and put together again.</summary>
internal sealed class CutLine : IAsyncDisposable
{
    private const int LongestPiece = 16 * 1024;

    private readonly int to;
    private readonly int port = FreePorts.Take(1)[0];
    private readonly ConcurrentDictionary<TcpClient, byte> ends = new();
    private volatile TcpListener? listener;
    private Task accepting = Task.CompletedTask;

    private CutLine(int to) => this.to = to;

    /// <summary>Where callers go instead.</summary>
    public string Url => $"http://127.0.0.1:{port}";

    public static CutLine To(Uri server)
    {
        var line = new CutLine(server.Port);
        line.Join();
        return line;
    }

    /// <summary>Takes connections.</summary>
    public void Join()
    {
        listener = new TcpListener(IPAddress.Loopback, port);
        listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);
        listener.Start();
        accepting = AcceptAsync(listener);
    }

    /// <summary>Breaks every connection and takes no other.</summary>
    public async Task CutAsync()
    {
        var taken = listener;
        listener = null;
        taken?.Stop();
        foreach (var end in ends.Keys) end.Dispose();
        await accepting;
    }

    public async ValueTask DisposeAsync() => await CutAsync();

    private async Task AcceptAsync(TcpListener accepted)
    {
        var pieces = new List<Task>();
        try
        {
            while (true) pieces.Add(PassAsync(await accepted.AcceptTcpClientAsync()));
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            await Task.WhenAll(pieces);
        }
    }

    private async Task PassAsync(TcpClient caller)
    {
        using var server = new TcpClient();
        ends.TryAdd(caller, 0);
        ends.TryAdd(server, 0);
        if (listener is null) caller.Dispose(); // taken in the moment in which the line was cut, which looks at the ends afterwards
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, to);
            var (near, far) = (caller.GetStream(), server.GetStream());
            await Task.WhenAny(near.CopyToAsync(far, LongestPiece), far.CopyToAsync(near, LongestPiece));
        }
        catch (Exception fault) when (fault is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut.
        }
        finally
        {
            caller.Dispose();
            ends.TryRemove(caller, out _);
            ends.TryRemove(server, out _);
        }
    }
}
