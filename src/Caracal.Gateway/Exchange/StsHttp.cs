using System.Net;

namespace Caracal.Gateway.Exchange;

/// <summary>The one HTTP client for the STS (gateway.md A8 "Transport"). Not guarded: operators name the STS, callers cannot.</summary>
internal static class StsHttp
{
    public static HttpMessageInvoker Create() => new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            MaxConnectionsPerServer = 200,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60), // below the STS's 75 s: no request meets a closing connection
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        },
        disposeHandler: true);
}
