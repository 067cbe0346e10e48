using System.Runtime.CompilerServices;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Sdk.TokenExchange;

namespace Caracal.Sdk.Transport;

/// <summary>Sends the requests of the bound Session through the Gateway (sdk.md 7).</summary>
internal sealed class SessionTransport(CaracalClient client, TransportOptions options) : DelegatingHandler
{
    private readonly IReadOnlyList<string>? _scopes = options.Scopes is { Count: > 0 } scopes ? ExchangeRequest.Sorted(scopes) : null;
    private readonly ConditionalWeakTable<CaracalContext, TokenForm> _forms = [];
    private bool _checked;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!_checked)
        {
            NoRedirects.Require(InnerHandler!);
            _checked = true;
        }

        var context = CaracalContext.Current
            ?? (options.AsApplication ? await client.ApplicationContextAsync(null, cancellationToken).ConfigureAwait(false) : throw new MissingTokenException("no Session is bound; run inside one, or send as the application"));
        var resource = client.Routes.Route(request, options.Resource);
        if (resource is not null)
        {
            request.Headers.Remove("Authorization");
            request.Headers.TryAddWithoutValidation("Authorization", await BearerAsync(context, resource, request, cancellationToken).ConfigureAwait(false));
        }

        if (resource is not null || options.Propagation == Propagation.Always) Propagate(context, request);
        return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    internal static void Propagate(CaracalContext context, HttpRequestMessage request)
    {
        var carried = request.Headers.NonValidated;
        var existing = carried.TryGetValues("traceparent", out var traces) ? traces.FirstOrDefault() : null;
        if (existing is null || !Protocol.Context.TraceParent.IsValid(existing))
        {
            var (parent, state) = context.NewSpan();
            request.Headers.Remove("traceparent");
            request.Headers.TryAddWithoutValidation("traceparent", parent);
            if (state is not null && !request.Headers.Contains("tracestate")) request.Headers.TryAddWithoutValidation("tracestate", state);
        }

        var own = carried.TryGetValues("baggage", out var values) ? string.Join(',', values) : null;
        var baggage = context.EncodeBaggage(own);
        if (own is not null) request.Headers.Remove("baggage");
        if (baggage is not null) request.Headers.TryAddWithoutValidation("baggage", baggage);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<string> BearerAsync(CaracalContext context, string resource, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (_scopes is not null)
        {
            if (resource.Length == 0) throw new InvalidOperationException($"name the resource ({CaracalHeaders.Resource}): a mandate is for one");
            var credentials = await client.Tokens.CredentialsAsync(cancellationToken).ConfigureAwait(false);
            var form = request.Options.TryGetValue(CaracalRequest.ApprovalId, out var approval)
                ? CaracalClient.GatewayForm(context, resource, _scopes, options.TtlSeconds, approval, credentials)
                : Form(context, resource, _scopes, credentials);
            return await client.GatewayBearerAsync(context, form, cancellationToken).ConfigureAwait(false);
        }

        var token = await context.Bearer(cancellationToken).ConfigureAwait(false);
        return MandateToken.TryParse(token)?.Claims.Use is { } use && use != MandateUse.Gateway
            ? throw new MissingTokenException($"the context's token has use={use}, which the Gateway refuses; give the transport scopes")
            : "Bearer " + token;
    }

    // The same for every request of a context to the same resource.
    private TokenForm Form(CaracalContext context, string resource, IReadOnlyList<string> scopes, CaracalCredentials credentials)
    {
        if (_forms.TryGetValue(context, out var form) && form.IsFor(resource, credentials)) return form;
        form = CaracalClient.GatewayForm(context, resource, scopes, options.TtlSeconds, null, credentials);
        _forms.AddOrUpdate(context, form);
        return form;
    }
}
