using Caracal.Protocol.Context;
using Caracal.Sdk;
using Caracal.Verifier;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.AspNetCore;

/// <summary>Binds the caller's context to a request, so that what the request causes is the caller's (sdk.md 4).</summary>
internal sealed class ContextMiddleware(RequestDelegate next, CaracalContextOptions options)
{
    private static readonly VerificationFailure Missing = new(401, "missing_token", "Missing bearer token");
    private static readonly VerificationFailure Unverified = new(401, "unauthorized", "invalid or missing authorization");

    private readonly MandatePaths _paths = new(Excluding(options), new MandateRequirements());

    public async Task InvokeAsync(HttpContext http)
    {
        if (_paths.IsExcluded(http.Request.Path.Value ?? ""))
        {
            await next(http);
            return;
        }

        var (context, failure) = await ContextOfAsync(http);
        if (context is null)
        {
            await MandateFailureResponse.WriteAsync(http, failure ?? Unverified, new MandateRequirements());
            return;
        }

        await CaracalContext.BindAsync(context, () => next(http));
    }

    private async ValueTask<(CaracalContext? Context, VerificationFailure? Failure)> ContextOfAsync(HttpContext http)
    {
        // Two Authorization headers are two callers: neither of them, and not the application either.
        var headers = http.Request.Headers.Authorization;
        if (headers.Count > 1) return (null, Unverified);
        var token = BearerToken.Find(headers.ToString());
        if (token.Length == 0)
        {
            return options.AsApplication
                ? (await http.RequestServices.GetRequiredService<CaracalClient>().ApplicationContextAsync(MandateRequest.Told(http.Request), http.RequestAborted), null)
                : (null, Missing);
        }

        if (http.Features.Get<IMandateFeature>() is { } verified) return (Of(token, verified), null);
        if (options.Verify is { } verify)
        {
            return await verify(token, http.RequestAborted) is { } principal
                ? (Of(token, new MandateFeature(principal, MandateRequest.ContextOf(http.Request, principal))), null)
                : (null, Unverified);
        }

        if (options.TrustedPropagation)
        {
            var own = http.RequestServices.GetRequiredService<CaracalClient>().Options;
            return (CaracalContext.OfRequest(token, own.ZoneId ?? "", own.ApplicationId ?? "", MandateRequest.Told(http.Request)), null);
        }

        if (http.RequestServices.GetService<MandateVerifier>() is not { } verifier) return (null, Unverified);
        var result = await MandateRequest.VerifyAsync(http, verifier, verifier.Requirements);
        return result.IsAccepted(out _) ? (Of(token, http.Features.Get<IMandateFeature>()!), null) : (null, result.Failure);
    }

    // Ids and hop are the token's alone; an absent claim is absent (gateway.md Part C).
    private static CaracalContext Of(string token, IMandateFeature verified) =>
        CaracalContext.OfRequest(token, verified.Principal.ZoneId, verified.Principal.ClientId, verified.Context);

    private static MandateMiddlewareOptions Excluding(CaracalContextOptions options)
    {
        var paths = new MandateMiddlewareOptions();
        foreach (var prefix in options.Exclude) paths.Exclude.Add(prefix);
        return paths;
    }
}
