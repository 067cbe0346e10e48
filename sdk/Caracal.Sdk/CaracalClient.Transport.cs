using Caracal.Protocol;
using Caracal.Sdk.TokenExchange;
using Caracal.Sdk.Transport;

namespace Caracal.Sdk;

/// <summary>Transports.</summary>
public sealed partial class CaracalClient
{
    /// <summary>A handler that sends the bound Session's requests through the Gateway. Requests for other hosts pass unchanged.</summary>
    public DelegatingHandler CreateHandler(TransportOptions? options = null)
    {
        RequireOpen();
        var transport = options ?? new TransportOptions();
        return new SessionTransport(this, transport) { InnerHandler = NoRedirects.Require(transport.Inner ?? NoRedirects.New()) };
    }

    /// <summary>A handler that sends requests for one resource with the application's own authority.</summary>
    public DelegatingHandler CreateApplicationHandler(string resource, ApplicationTransportOptions options)
    {
        RequireOpen();
        return ApplicationHandler(resource, options, NoRedirects.Require(options.Inner ?? NoRedirects.New()));
    }

    /// <summary>Address of a path of a resource at the Gateway, and the header that names the resource.</summary>
    public (Uri Url, string HeaderName, string HeaderValue) GatewayRequest(string resource, string path) =>
        (Routes.UrlOf(path), CaracalHeaders.Resource, resource);

    /// <summary>Sends one request of the bound Session.</summary>
    /// <param name="resource">Identifier of the resource.</param>
    /// <param name="path">Below the resource's upstream.</param>
    /// <param name="scopes">What the mandate says.</param>
    /// <param name="method">Null means GET.</param>
    /// <param name="content">The body.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<HttpResponseMessage> SendAsync(
        string resource, string path, IReadOnlyList<string> scopes, HttpMethod? method = null, HttpContent? content = null, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        var (url, name, value) = GatewayRequest(resource, path);
        var request = new HttpRequestMessage(method ?? HttpMethod.Get, url) { Content = content };
        request.Headers.TryAddWithoutValidation(name, value);
        var context = CaracalContext.Current ?? throw new MissingTokenException("no Session is bound; run inside one, or use the application transport");
        var form = GatewayForm(context, resource, ExchangeRequest.Sorted(scopes), null, null, await Tokens.CredentialsAsync(cancellationToken).ConfigureAwait(false));
        request.Headers.TryAddWithoutValidation("Authorization", await GatewayBearerAsync(context, form, cancellationToken).ConfigureAwait(false));
        SessionTransport.Propagate(context, request);
        return await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    internal DelegatingHandler SessionHandler(TransportOptions options) => new SessionTransport(this, options);

    internal DelegatingHandler ApplicationHandler(string resource, ApplicationTransportOptions options, HttpMessageHandler? inner)
    {
        if (options.Scopes.Count == 0) throw new ArgumentException("the application transport needs scopes", nameof(options));
        ArgumentException.ThrowIfNullOrWhiteSpace(resource);
        var handler = new ApplicationTransport(this, resource, options);
        if (inner is not null) handler.InnerHandler = inner;
        return handler;
    }
}
