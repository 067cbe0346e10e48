using System.Net;
using Caracal.Authority.Upstreams;
using Caracal.Gateway.Forwarding;
using Caracal.Gateway.Overrides;
using Caracal.Gateway.Pipeline;
using Caracal.Hosting.Tracing;
using Caracal.Protocol;
using Caracal.Protocol.Context;
using Caracal.Protocol.Exchange;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Caracal.Gateway.Upstream;

/// <summary>Step 18: the request that goes upstream, with the credential in its place (gateway.md A9).</summary>
internal sealed class BuildRequest(GatewaySettings settings) : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var directive = call.Grant!.Upstream!;
        switch (CredentialRules.TryPlan(directive, call.Grant.AccessToken, out var injection))
        {
            case InjectionOutcome.Ready:
                return new(TryBuild(call, injection) ? Verdict.Pass : Unbuildable);
            case InjectionOutcome.CredentialMissing:
                return new(Verdict.Fail(GatewayErrors.ProviderCredentialMissing, ErrorKinds.BuildFailed));
            default:
                return new(Unbuildable);
        }
    }

    private static Verdict Unbuildable => Verdict.Fail(GatewayErrors.BuildFailed, ErrorKinds.BuildFailed);

    private bool TryBuild(GatewayCall call, Injection injection)
    {
        BodyScan? scan = null;
        var headers = call.Http.Request.Headers;
        if (IsNoRequest(call.Method) || (call.Grant!.Upstream!.OperationsEnforced
            && (OverrideRules.NamesAnother(headers, call.Method, call.Path, call.Target.Query)
                || !BodyOverrides.TryScan(headers, call.Method, out scan))))
        {
            return false;
        }

        var url = UpstreamUrl.TryBuild(call.Upstream!, call.Path, call.Target.Query, injection.QueryKey, injection.Value);
        if (url is null)
        {
            return false;
        }

        var request = new HttpRequestMessage(HttpMethod.Parse(call.Method), url)
        {
            Version = call.WebSocket is null ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = call.WebSocket is null ? HttpVersionPolicy.RequestVersionOrLower : HttpVersionPolicy.RequestVersionExact,
            Content = ContentOf(call, scan),
        };
        call.Request = request;
        call.QueryCredential = injection.QueryKey is { } key ? new QueryCredential(key, injection.Value!) : null;
        RequestHeaderRules.Copy(call.Http.Request.Headers, request, injection.Header);
        SetOwn(call, request);
        call.WebSocket?.WriteTo(request);
        return Inject(call.Grant!, request, injection);
    }

    // The answer to TRACE repeats the request, and the caller would read the credential in it (RFC 9110 9.3.8). CONNECT asks
    // for a tunnel, and what goes through one is governed by nobody.
    private static bool IsNoRequest(string method) =>
        method.Equals("TRACE", StringComparison.OrdinalIgnoreCase)
        || method.Equals("TRACK", StringComparison.OrdinalIgnoreCase)
        || method.Equals("CONNECT", StringComparison.OrdinalIgnoreCase);

    // Never null for a method that changes something: the client re-sends a request without content when a kept
    // connection turns out to be closed, and the upstream call is made once (gateway.md, Part A).
    private HttpContent? ContentOf(GatewayCall call, BodyScan? scan)
    {
        var method = call.Method;
        if (call.HeldBody is { } held)
        {
            return new ReadOnlyMemoryContent(held.Memory);
        }

        if (call.WebSocket is null && call.Http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            return new StreamedRequestBody(call, settings, scan);
        }

        return HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method)
            ? null
            : new ByteArrayContent([]);
    }

    private void SetOwn(GatewayCall call, HttpRequestMessage request)
    {
        var inbound = call.Http.Request;
        request.Headers.TryAddWithoutValidation(CaracalHeaders.RequestId, call.RequestId);
        var trace = inbound.Headers.TraceParent;
        var kept = trace.Count == 1 && TraceParent.IsValid(trace[0]);
        var traceParent = kept ? trace[0]! : Spans.Current?.Id ?? TraceParent.New(); // a span of ours takes its place as the call leaves
        if (!kept)
        {
            request.Headers.Remove("tracestate"); // it belongs to a trace that nobody can name
        }

        call.TraceId = TraceParent.TraceId(traceParent);
        request.Headers.TryAddWithoutValidation("traceparent", traceParent);
        var client = ForwardedFrom.Of(call.Http, settings);
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", client.Address);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", client.Scheme);
        if (inbound.Host.HasValue)
        {
            request.Headers.TryAddWithoutValidation("X-Forwarded-Host", inbound.Host.Value);
        }
    }

    private static bool Inject(ExchangeGrant grant, HttpRequestMessage request, Injection injection)
    {
        var directive = grant.Upstream!;
        if (directive is { ForwardCaracalIdentity: true, AuthMode: "provider_oauth" or "provider_apikey" })
        {
            request.Headers.TryAddWithoutValidation(CaracalHeaders.Identity, grant.AccessToken);
        }

        return injection.Header is null || request.Headers.TryAddWithoutValidation(injection.Header, injection.Value);
    }
}
