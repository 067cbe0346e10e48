using Caracal.Sdk.TokenExchange;

namespace Caracal.Sdk.Transport;

/// <summary>Sends requests for one resource with the application's own authority (sdk.md 7).</summary>
internal sealed class ApplicationTransport(CaracalClient client, string resource, ApplicationTransportOptions options) : DelegatingHandler
{
    private readonly string _key = ApplicationAuthorities.KeyOf(resource, options);
    private bool _checked;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!_checked)
        {
            NoRedirects.Require(InnerHandler!);
            _checked = true;
        }

        // Where it goes is settled before anything is minted for it.
        if (client.Routes.Route(request, resource) is not { } routed) throw new InvalidOperationException($"the request is not for {resource}");
        if (routed != resource) throw new InvalidOperationException($"the request is for {routed}, the transport for {resource}");
        var grant = await client.Authorities.FindAsync(_key, resource, options, cancellationToken).ConfigureAwait(false);
        var form = request.Options.TryGetValue(CaracalRequest.ApprovalId, out var approval) ? new TokenForm(grant.Form.Request with { ApprovalId = approval }, grant.Credentials) : grant.Form;
        var bearer = await client.Tokens.BearerAsync(form, cancellationToken).ConfigureAwait(false);
        request.Headers.Remove("Authorization");
        request.Headers.TryAddWithoutValidation("Authorization", bearer);
        SessionTransport.Propagate(CaracalContext.Current ?? grant.Context, request);
        return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }
}
