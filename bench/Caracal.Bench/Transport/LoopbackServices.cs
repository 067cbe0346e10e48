using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Caracal.Bench.Transport;

/// <summary>STS, Coordinator and Gateway at a socket each caller has to itself: canned answers, and no allocation per request.</summary>
internal sealed class LoopbackServices : IDisposable
{
    // As long as a delegated one-shot mandate of an application is: 1,100 characters.
    private static readonly byte[] Minted = Answer(200, $$"""{"access_token":"{{new string('a', 1100)}}","token_type":"Bearer","expires_in":900}""");
    private static readonly byte[] Started = Answer(201, """{"agent_session_id":"0199c7a0-0000-7000-8000-000000000001"}""");
    private static readonly byte[] Delegated = Answer(201, """{"delegation_edge_id":"0199c7a0-0000-7000-8000-000000000002","expires_at":"2130-01-01T00:00:00Z"}""");
    private static readonly byte[] Forwarded = Answer(200, "{}");

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public LoopbackServices()
    {
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public string Url => "http://" + _listener.LocalEndpoint;

    public void Dispose() => _listener.Dispose();

    private static byte[] Answer(int status, string body) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                socket.NoDelay = true;
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (SocketException)
        {
            // Disposed.
        }
    }

    private static void Serve(Socket socket)
    {
        using (socket)
        {
            try
            {
                Converse(socket);
            }
            catch (SocketException)
            {
                // The caller is gone.
            }
        }
    }

    private static void Converse(Socket socket)
    {
        Span<byte> request = stackalloc byte[16 * 1024];
        var length = 0;
        while (socket.Receive(request[length..]) is var read and > 0)
        {
            length += read;
            var head = request[..length].IndexOf("\r\n\r\n"u8);
            if (head < 0 || length < head + 4 + BodyLength(request[..head])) continue;
            socket.Send(AnswerTo(request[..head]));
            length = 0;
        }
    }

    private static int BodyLength(ReadOnlySpan<byte> head)
    {
        var at = head.IndexOf("Content-Length: "u8);
        if (at < 0) return 0;
        var digits = head[(at + 16)..];
        var end = digits.IndexOf((byte)'\r');
        return int.Parse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static byte[] AnswerTo(ReadOnlySpan<byte> head) =>
        head.StartsWith("POST /oauth/2/token "u8) ? Minted
        : head.StartsWith("POST /zones/z/agents "u8) ? Started
        : head.StartsWith("POST /zones/z/delegations "u8) ? Delegated
        : Forwarded;
}
