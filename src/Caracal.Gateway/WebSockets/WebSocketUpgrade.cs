using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Caracal.Gateway.WebSockets;

/// <summary>
/// A caller's wish to speak WebSocket: the handshake of RFC 6455 over HTTP/1.1, or of RFC 8441 over HTTP/2. Any other
/// upgrade ends at this hop (gateway.md A9).
/// </summary>
internal sealed class WebSocketUpgrade
{
    private const string Protocol = "websocket";
    private const string Guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private readonly IHttpUpgradeFeature? _upgrade;
    private readonly IHttpExtendedConnectFeature? _connect;
    private readonly string? _key;

    private WebSocketUpgrade(IHttpUpgradeFeature? upgrade, IHttpExtendedConnectFeature? connect)
    {
        _upgrade = upgrade;
        _connect = connect;

        // Over HTTP/2 there is no key; towards the upstream we are the client and need one of our own.
        _key = connect is null ? null : Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
    }

    /// <summary>Null when the request asks for no WebSocket.</summary>
    public static WebSocketUpgrade? Of(HttpContext http)
    {
        if (http.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
        {
            return string.Equals(connect.Protocol, Protocol, StringComparison.OrdinalIgnoreCase) ? new WebSocketUpgrade(null, connect) : null;
        }

        var asked = http.Request.Headers.Upgrade;
        return asked.Count == 1
            && string.Equals(asked[0]?.Trim(), Protocol, StringComparison.OrdinalIgnoreCase)
            && HttpMethods.IsGet(http.Request.Method)
            && http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade
            ? new WebSocketUpgrade(upgrade, null)
            : null;
    }

    /// <summary>Asks the upstream for the same, over HTTP/1.1.</summary>
    public void WriteTo(HttpRequestMessage request)
    {
        request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", Protocol);
        if (_key is not null)
        {
            request.Headers.Remove("Sec-WebSocket-Key");
            request.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", _key);
        }
    }

    /// <summary>True when the upstream has switched to what was asked for; a key that is ours must be answered.</summary>
    public bool IsAcceptedBy(HttpResponseMessage answer) =>
        (int)answer.StatusCode == StatusCodes.Status101SwitchingProtocols
        && answer.Headers.NonValidated.TryGetValues("Upgrade", out var upgraded)
        && string.Equals(upgraded.ToString(), Protocol, StringComparison.OrdinalIgnoreCase)
        && (_key is null
            || (answer.Headers.NonValidated.TryGetValues("Sec-WebSocket-Accept", out var accepted)
                && string.Equals(accepted.ToString(), AcceptOf(_key), StringComparison.Ordinal)));

    /// <summary>Switches the caller's connection; the response headers must be set.</summary>
    public async ValueTask<Stream> AcceptAsync(HttpResponse response)
    {
        if (_connect is not null)
        {
            response.StatusCode = StatusCodes.Status200OK;
            response.Headers.Remove("Sec-WebSocket-Accept");
            return await _connect.AcceptAsync();
        }

        response.Headers.Upgrade = Protocol;
        return await _upgrade!.UpgradeAsync();
    }

    // RFC 6455 4.2.2: the handshake's own check, no protection of anything.
#pragma warning disable CA5350
    private static string AcceptOf(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Guid)));
#pragma warning restore CA5350
}
