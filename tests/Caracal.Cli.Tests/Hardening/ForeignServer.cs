using System.Net;
using System.Net.Sockets;
using Caracal.Stack;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>A server that is none of ours and answers every request, or every connection, alike.</summary>
internal sealed class ForeignServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly Task _serving;

    private ForeignServer(byte[] answer)
    {
        Port = FreePorts.Take(1)[0];
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        _serving = ServeAsync(answer);
    }

    public int Port { get; }

    public string Url => $"http://127.0.0.1:{Port}";

    public static ForeignServer Http(string body) => new(System.Text.Encoding.ASCII.GetBytes(
        $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));

    /// <summary>Answers the first bytes of a connection with these.</summary>
    public static ForeignServer Raw(params byte[] answer) => new(answer);

    public void Dispose()
    {
        _listener.Stop();
        _serving.Wait(TimeSpan.FromSeconds(5));
    }

    private async Task ServeAsync(byte[] answer)
    {
        while (true)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await using var stream = client.GetStream();
                _ = await stream.ReadAsync(new byte[4096]);
                await stream.WriteAsync(answer);
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException or IOException)
            {
                if (fault is not IOException) return;
            }
        }
    }
}
