using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Caracal.Gateway.Tests.Support;

/// <summary>HTTP/2 over TLS by hand: frames and fields that no client library would send.</summary>
internal sealed class RawHttp2 : IAsyncDisposable
{
    private const int LargestFrame = 16 * 1024;
    private static readonly Dictionary<int, int> Indexed = new() { [8] = 200, [9] = 204, [10] = 206, [11] = 304, [12] = 400, [13] = 404, [14] = 500 };

    private readonly TcpClient _client = new();
    private SslStream _stream = null!;

    /// <param name="address">Where.</param>
    /// <param name="window">How many bytes of each answer may come before the caller asks for more; null leaves the protocol's own.</param>
    public static async Task<RawHttp2> ConnectAsync(string address, int? window = null)
    {
        var url = new Uri(address);
        var connection = new RawHttp2();
        await connection._client.ConnectAsync(url.Host, url.Port);
#pragma warning disable CA5359 // The test's own server on loopback.
        connection._stream = new SslStream(connection._client.GetStream(), false, static (_, _, _, _) => true);
#pragma warning restore CA5359
        await connection._stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", ApplicationProtocols = [SslApplicationProtocol.Http2] });
        await connection._stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        var settings = new byte[window is null ? 0 : 6];
        if (window is { } bytes)
        {
            settings[1] = 4; // SETTINGS_INITIAL_WINDOW_SIZE
            BinaryPrimitives.WriteInt32BigEndian(settings.AsSpan(2), bytes);
        }

        await connection.FrameAsync(4, 0, 0, settings);
        return connection;
    }

    /// <summary>A header block on <paramref name="stream"/>, in as many frames as it takes.</summary>
    public async Task HeadersAsync(int stream, bool end, params (string Name, string Value)[] fields)
    {
        using var block = new MemoryStream();
        foreach (var (name, value) in fields)
        {
            block.WriteByte(0); // a literal, not indexed
            Text(block, name);
            Text(block, value);
        }

        var bytes = block.ToArray();
        for (var at = 0; at == 0 || at < bytes.Length; at += LargestFrame)
        {
            var last = at + LargestFrame >= bytes.Length;
            await FrameAsync((byte)(at == 0 ? 1 : 9), (byte)((last ? 4 : 0) | (end && at == 0 ? 1 : 0)), stream, bytes[at..(last ? bytes.Length : at + LargestFrame)]);
        }
    }

    public Task DataAsync(int stream, bool end, string data) => FrameAsync(0, (byte)(end ? 1 : 0), stream, Encoding.Latin1.GetBytes(data));

    /// <summary>Waits until a stream is reset.</summary>
    public async Task ResetAsync(int stream, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        var head = new byte[9];
        do
        {
            await _stream.ReadExactlyAsync(head, limit.Token);
            await _stream.ReadExactlyAsync(new byte[(head[0] << 16) | (head[1] << 8) | head[2]], limit.Token);
        }
        while (head[3] != 3 || (BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) & int.MaxValue) != stream);
    }

    /// <summary>The status of a stream's answer; 0 when the stream or the connection was ended instead.</summary>
    public async Task<int> StatusAsync(int stream)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var head = new byte[9];
        try
        {
            while (true)
            {
                await _stream.ReadExactlyAsync(head, limit.Token);
                var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
                await _stream.ReadExactlyAsync(payload, limit.Token);
                var of = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) & int.MaxValue;
                switch (head[3])
                {
                    case 1 when of == stream:
                        return Status(payload);
                    case 3 when of == stream:
                    case 7:
                        return 0; // RST_STREAM, GOAWAY
                }
            }
        }
        catch (IOException)
        {
            return 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _client.Dispose();
    }

    private async Task FrameAsync(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        (frame[0], frame[1], frame[2], frame[3], frame[4]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        try
        {
            await _stream.WriteAsync(frame);
        }
        catch (IOException)
        {
            // Hung up on in the middle of it; what the server had to say is still read.
        }
    }

    // HPACK: a length in a prefix of seven bits, no Huffman coding.
    private static void Text(MemoryStream block, string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        if (bytes.Length < 127)
        {
            block.WriteByte((byte)bytes.Length);
        }
        else
        {
            block.WriteByte(127);
            var rest = bytes.Length - 127;
            for (; rest >= 128; rest >>= 7)
            {
                block.WriteByte((byte)((rest & 127) | 128));
            }

            block.WriteByte((byte)rest);
        }

        block.Write(bytes);
    }

    // The status is the first field; before it there may be a change of the table's size.
    private static int Status(byte[] block)
    {
        var at = 0;
        while ((block[at] & 0xE0) == 0x20)
        {
            at++;
            while (at < block.Length && (block[at - 1] & 0x1F) == 0x1F && (block[at] & 0x80) != 0)
            {
                at++;
            }

            at += (block[at - 1] & 0x80) != 0 || (block[at - 1] & 0x1F) == 0x1F ? 1 : 0;
        }

        if ((block[at] & 0x80) != 0)
        {
            return Indexed[block[at] & 0x7F];
        }

        var digits = Array.FindIndex(block, at + 1, one => one is >= (byte)'1' and <= (byte)'9');
        return int.Parse(Encoding.ASCII.GetString(block, digits, 3), System.Globalization.CultureInfo.InvariantCulture);
    }
}
