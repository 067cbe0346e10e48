using System.Net;
using System.Net.Sockets;
using System.Text;
using Caracal.Stack;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>A server that is none of ours and answers every request, every path, or every connection, alike.</summary>
internal sealed class ForeignServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly Task _serving;

    private ForeignServer(Func<string, byte[]> answer)
    {
        Port = FreePorts.Take(1)[0];
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        _serving = ServeAsync(answer);
    }

    public int Port { get; }

    public string Url => $"http://127.0.0.1:{Port}";

    public static ForeignServer Http(string body) => new(_ => Answer("200 OK", body));

    /// <summary>Answers a path, without its query, with the body it has here, and 404 where it has none.</summary>
    public static ForeignServer Http(IReadOnlyDictionary<string, string?> bodies) => new(request =>
        bodies.GetValueOrDefault(request.Split(' ', '?')[1]) is { } body ? Answer("200 OK", body) : Answer("404 Not Found", ""));

    /// <summary>Answers the first bytes of a connection with these.</summary>
    public static ForeignServer Raw(params byte[] answer) => new(_ => answer);

    public void Dispose()
    {
        _listener.Stop();
        _serving.Wait(TimeSpan.FromSeconds(5));
    }

    private static byte[] Answer(string status, string body) => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}");

    private async Task ServeAsync(Func<string, byte[]> answer)
    {
        while (true)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await using var stream = client.GetStream();
                var request = new byte[4096];
                var length = await stream.ReadAsync(request);
                await stream.WriteAsync(answer(Encoding.ASCII.GetString(request, 0, length)));
            }
            catch (IOException)
            {
                // That caller went away; the next one is answered.
            }
            catch (Exception fault) when (fault is SocketException or InvalidOperationException)
            {
                return; // the listener has stopped, before it was asked for the next caller or while it waited
            }
        }
    }
}
