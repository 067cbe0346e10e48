using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Sts.Health;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Caracal.Sts.TokenExchange;

/// <summary><c>POST /oauth/2/token</c>: steps 1 and 2 of sts.md 2.1, then the spine, then the answer.</summary>
internal sealed class TokenEndpoint(TokenExchangeSpine spine, StsMetrics metrics)
{
    private const int LargestBody = 65_536;

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        var (exchange, refusal) = await ReadAsync(context);
        if (exchange is null)
        {
            metrics.Finished(granted: false);
            await ErrorBody.WriteAsync(context, refusal!);
            return;
        }

        var verdict = await spine.RunAsync(exchange, context.RequestAborted);
        metrics.Finished(verdict.IsGranted);
        if (verdict.IsGranted)
        {
            await TokenAnswer.WriteAsync(context, exchange);
        }
        else
        {
            await TokenAnswer.WriteRefusalAsync(context, exchange, verdict.Refusal);
        }
    }

    private static async ValueTask<(Exchange? Exchange, Refusal? Refusal)> ReadAsync(HttpContext context)
    {
        var request = context.Request;
        if (!HttpMethods.IsPost(request.Method))
        {
            context.Response.Headers.Allow = "POST";
            return (null, StsErrors.MethodNotAllowed);
        }

        if (request.QueryString.HasValue)
        {
            return (null, StsErrors.QueryNotAllowed);
        }

        if (!IsForm(request.ContentType))
        {
            return (null, StsErrors.MediaType);
        }

        if (await BodyReader.ReadAsync(context, LargestBody) is not { } body)
        {
            return (null, StsErrors.BodyTooLarge);
        }

        if (FormFields.TryParse(body) is not { } form)
        {
            return (null, StsErrors.BadForm);
        }

        if (form.Duplicate is { } duplicate)
        {
            return (null, StsErrors.BadForm.With($"duplicate form field: {(duplicate.Length > 64 ? duplicate[..64] : duplicate)}"));
        }

        return (new Exchange(TokenForm.Read(form), context.RequestId()) { GatewayProof = SignedCallReader.Read(context, body) }, null);
    }

    private static bool IsForm(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var media)
        && media.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase);
}
