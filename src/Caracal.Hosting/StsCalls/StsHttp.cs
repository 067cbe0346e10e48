using System.Net;
using System.Net.Security;
using Caracal.Keys.Certificates;

namespace Caracal.Hosting.StsCalls;

/// <summary>The one HTTP client for the STS (gateway.md A8 "Transport"). Not guarded: operators name the STS, callers cannot.</summary>
public static class StsHttp
{
    /// <param name="authorities">Who may have signed the STS's certificate besides the system's authorities.</param>
    public static HttpMessageInvoker Create(ExtraAuthorities authorities) => new(Handler(authorities), disposeHandler: true);

    /// <summary>The handler alone, for callers that need an <see cref="HttpClient"/>.</summary>
    public static SocketsHttpHandler Handler(ExtraAuthorities authorities) => new()
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
        SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => authorities.Accepts(certificate, chain, errors),
        },
    };
}
