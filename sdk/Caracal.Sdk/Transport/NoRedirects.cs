namespace Caracal.Sdk.Transport;

/// <summary>A mandate goes where it was sent and nowhere else: redirects are returned, never followed.</summary>
internal static class NoRedirects
{
    public static SocketsHttpHandler New() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ActivityHeadersPropagator = null,
        EnableMultipleHttp2Connections = true,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60), // below the services' 75 s, so that no request meets a closing connection
    };

    /// <summary>Refuses a chain whose end would follow redirects.</summary>
    public static HttpMessageHandler Require(HttpMessageHandler handler)
    {
        for (var inner = handler; inner is not null; inner = (inner as DelegatingHandler)?.InnerHandler)
        {
            if (inner is SocketsHttpHandler { AllowAutoRedirect: true } or HttpClientHandler { AllowAutoRedirect: true })
            {
                throw new InvalidOperationException("the inner handler follows redirects; set AllowAutoRedirect to false");
            }
        }

        return handler;
    }
}
