using System.Net.Sockets;
using System.Security.Cryptography;

namespace Caracal.Cli.Hardening;

/// <summary>Offers TLS 1.1 and nothing newer, byte by byte, because the platform's own library no longer can.</summary>
internal static class OldTlsProbe
{
    private const byte HandshakeRecord = 22;
    private const byte AlertRecord = 21;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    // ECDHE and RSA suites with AES-CBC, which every server that speaks TLS 1.1 has at least one of.
    private static readonly byte[] Suites = [0xC0, 0x13, 0xC0, 0x14, 0xC0, 0x09, 0xC0, 0x0A, 0x00, 0x2F, 0x00, 0x35, 0x00, 0x0A];

    /// <summary>True when the server goes on with the handshake, false when it refuses, null when it cannot be reached.</summary>
    public static async Task<bool?> RunAsync(string host, int port, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Timeout);
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(host, port, limit.Token);
        }
        catch (Exception fault) when (fault is SocketException || (fault is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return null;
        }

        try
        {
            var stream = client.GetStream();
            await stream.WriteAsync(Hello(host), limit.Token);
            var answer = new byte[5];
            await stream.ReadExactlyAsync(answer, limit.Token);
            return answer[0] switch
            {
                HandshakeRecord => true,
                AlertRecord => false,
                _ => null,
            };
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            return false; // Closed without a word is a refusal, too.
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return null;
        }
    }

    private static byte[] Hello(string host)
    {
        var name = System.Text.Encoding.ASCII.GetBytes(host);
        byte[] extensions =
        [
            .. Extension(0, [.. Sized([0, .. Sized(name)])]),
            .. Extension(10, [0, 4, 0, 23, 0, 24]),
            .. Extension(11, [1, 0]),
        ];
        byte[] body = [3, 2, .. RandomNumberGenerator.GetBytes(32), 0, .. Sized(Suites), 1, 0, .. Sized(extensions)];
        byte[] handshake = [1, 0, .. Sized(body)];
        return [HandshakeRecord, 3, 1, .. Sized(handshake)];
    }

    private static byte[] Extension(byte type, byte[] content) => [0, type, .. Sized(content)];

    private static byte[] Sized(byte[] content) => [(byte)(content.Length >> 8), (byte)content.Length, .. content];
}
