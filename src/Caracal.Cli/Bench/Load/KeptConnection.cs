using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;

namespace Caracal.Cli.Bench.Load;

/// <summary>One kept HTTP/1.1 connection on loopback: whole messages out, whole messages in, one at a time.</summary>
internal sealed class KeptConnection(Socket socket) : IDisposable
{
    private byte[] buffer = new byte[8 * 1024];
    private int filled;

    public Socket Socket => socket;

    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static KeptConnection To(Uri service)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(IPAddress.Parse(service.Host), service.Port);
            return new KeptConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <exception cref="SocketException">The other side is gone.</exception>
    public void Send(ReadOnlySpan<byte> message)
    {
        while (message.Length > 0) message = message[socket.Send(message)..];
    }

    /// <summary>Takes what has arrived; false while the message is not whole. The message is good until the next one is taken.</summary>
    /// <exception cref="SocketException">The other side is gone.</exception>
    /// <exception cref="IOException">The other side closed, or sent what is not one message.</exception>
    public bool TryReceive(out HttpMessage message)
    {
        message = default;
        if (filled == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        var read = socket.Receive(buffer.AsSpan(filled));
        if (read == 0) throw new IOException("the other side closed the connection");
        filled += read;
        var all = buffer.AsSpan(0, filled);
        var end = all.IndexOf("\r\n\r\n"u8);
        if (end < 0) return false;
        var head = all[..end];
        var body = all[(end + 4)..];
        var length = LengthOf(head);
        if (body.Length < length) return false;
        if (body.Length > length) throw new IOException("more than one message came");
        message = new HttpMessage(head, body);
        filled = 0;
        return true;
    }

    public void Dispose() => socket.Dispose();

    private static int LengthOf(ReadOnlySpan<byte> head)
    {
        if (!HttpMessage.Header(head, "Transfer-Encoding"u8).IsEmpty) throw new IOException("a body in chunks is not read here");
        return Utf8Parser.TryParse(HttpMessage.Header(head, "Content-Length"u8), out int length, out _) ? length : 0;
    }
}
