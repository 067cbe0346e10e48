using Caracal.Verifier;
using Microsoft.AspNetCore.Http;

namespace Caracal.AspNetCore;

/// <summary>Verifies every request whose path is not excluded; nothing behind it runs for one that fails.</summary>
internal sealed class MandateMiddleware(RequestDelegate next, MandateVerifier verifier, MandateMiddlewareOptions options)
{
    private readonly MandatePaths _paths = new(options, verifier.Requirements);

    public async Task InvokeAsync(HttpContext http)
    {
        var path = http.Request.Path.Value ?? "";
        if (_paths.IsExcluded(path))
        {
            await next(http);
            return;
        }

        var requirements = _paths.For(path);
        var result = await MandateRequest.VerifyAsync(http, verifier, requirements);
        if (!result.IsAccepted(out var principal))
        {
            await MandateFailureResponse.WriteAsync(http, result.Failure!, requirements);
            return;
        }

        http.User = MandateRequest.PrincipalOf(principal);
        await next(http);
    }
}
