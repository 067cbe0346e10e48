using System.Net.Sockets;
using System.Text;

namespace Caracal.Gateway.Tests.Support;

/// <summary>HTTP/1.1 by hand, for what a client library would normalise away.</summary>
internal static class RawHttp
{
    /// <summary>Sends the bytes of <paramref name="request"/> (lines end in LF here, CRLF on the wire) and reads until the server closes.</summary>
    public static async Task<string> SendAsync(string address, string request)
    {
        var url = new Uri(address);
        using var client = new TcpClient();
        await client.ConnectAsync(url.Host, url.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request.ReplaceLineEndings("\r\n")));
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer);
        return Encoding.UTF8.GetString(answer.ToArray());
    }
}
