using System.Net;
using System.Net.Sockets;
using Caracal.Stack;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>A server behind a slow line: what it answers comes late, in its order.</summary>
internal sealed class SlowServer : IDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly TcpListener _listener;
    private readonly Task _serving;

    /// <param name="port">The real one's, on this machine.</param>
    /// <param name="milliseconds">How late.</param>
    public SlowServer(int port, int milliseconds)
    {
        Port = FreePorts.Take(1)[0];
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        _serving = ServeAsync(port, milliseconds);
    }

    public int Port { get; }

    public void Dispose()
    {
        _ending.Cancel();
        _listener.Stop();
        _serving.Wait(TimeSpan.FromSeconds(5));
        _ending.Dispose();
    }

    private async Task ServeAsync(int port, int milliseconds)
    {
        var lines = new List<Task>();
        try
        {
            while (true) lines.Add(PassAsync(await _listener.AcceptTcpClientAsync(_ending.Token), port, milliseconds));
        }
        catch (Exception fault) when (fault is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(lines);
        }
    }

    private async Task PassAsync(TcpClient caller, int port, int milliseconds)
    {
        using (caller)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, port, _ending.Token);
                await Task.WhenAny(CopyAsync(caller, server, 0), CopyAsync(server, caller, milliseconds));
            }
            catch (Exception fault) when (fault is OperationCanceledException or SocketException)
            {
                // The line was cut.
            }
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, int milliseconds)
    {
        var buffer = new byte[4096];
        try
        {
            while (await from.GetStream().ReadAsync(buffer, _ending.Token) is var length and > 0)
            {
                if (milliseconds > 0) await Task.Delay(milliseconds, _ending.Token);
                await to.GetStream().WriteAsync(buffer.AsMemory(0, length), _ending.Token);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // One side left.
        }
    }
}
