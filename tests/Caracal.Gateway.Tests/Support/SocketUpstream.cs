using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Caracal.Gateway.Tests.Support;

/// <summary>What an upstream needs to speak WebSocket.</summary>
internal static class SocketUpstream
{
    /// <summary>A handler that accepts the handshake by hand and gives the socket to <paramref name="talk"/>.</summary>
    public static RequestDelegate Accepting(Func<WebSocket, Task> talk) => async http =>
    {
        await using var stream = await SwitchAsync(http);
        using var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, SubProtocol = Protocol(http) });
        await talk(socket);
    };

    /// <summary>Answers 101 and hands out the connection.</summary>
    public static async Task<Stream> SwitchAsync(HttpContext http)
    {
        http.Response.Headers.Upgrade = "websocket";
        http.Response.Headers.SecWebSocketAccept = Accept(http.Request.Headers.SecWebSocketKey.ToString());
        if (Protocol(http) is { } protocol)
        {
            http.Response.Headers.SecWebSocketProtocol = protocol;
        }

        return await http.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync();
    }

    /// <summary>Sends back every message until the other side closes.</summary>
    public static async Task EchoAsync(WebSocket socket)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer, CancellationToken.None);
            if (read.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, read.Count), read.MessageType, read.EndOfMessage, CancellationToken.None);
        }
    }

    private static string? Protocol(HttpContext http) =>
        http.Request.Headers.SecWebSocketProtocol.ToString() is { Length: > 0 } offered ? offered.Split(',')[0].Trim() : null;

#pragma warning disable CA5350 // RFC 6455 4.2.2
    private static string Accept(string key) =>
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
}
