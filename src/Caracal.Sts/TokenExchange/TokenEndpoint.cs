using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Sts.Health;
using Caracal.Sts.PolicyShadows;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.TokenExchange;

/// <summary><c>POST /oauth/2/token</c>: steps 1 and 2 of sts.md 2.1, then the spine, then the answer.</summary>
internal sealed class TokenEndpoint(TokenExchangeSpine spine, ShadowPolicies shadows, StsMetrics metrics)
{
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
        if (exchange.Shadowed is { } questions)
        {
            context.Response.OnCompleted(() =>
            {
                shadows.Ask(questions);
                return Task.CompletedTask;
            });
        }

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
        var read = await FormRequest.ReadAsync(context);
        return read.Form is { } form
            ? (new Exchange(TokenForm.Read(form), context.RequestId()) { GatewayProof = SignedCallReader.Read(context, read.Body) }, null)
            : (null, read.Refusal);
    }
}
