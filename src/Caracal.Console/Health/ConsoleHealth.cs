using System.Text;
using Caracal.Console.ControlPlane;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console.Health;

/// <summary><c>/health</c>, <c>/ready</c> and <c>/metrics</c> (operations.md 6): ready means that the API answers.</summary>
internal sealed class ConsoleHealth(ApiClient api, MetricsRegistry metrics, MetricsAccess access)
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2.5);
    private static readonly Refusal Unauthorized = new(401, "unauthorized");

    public Task HealthAsync(HttpContext context) => ErrorBody.WriteJsonAsync(context.Response, writer =>
    {
        writer.WriteStartObject();
        writer.WriteBoolean("ok"u8, true);
        writer.WriteEndObject();
    });

    public async Task ReadyAsync(HttpContext context)
    {
        using var budget = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        budget.CancelAfter(Budget);
        var isReady = await AnswersAsync(budget.Token);
        context.Response.StatusCode = isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, isReady);
            writer.WriteBoolean("ready"u8, isReady);
            if (!isReady) writer.WriteString("reason"u8, ApiProblem.Unreachable.Code);
            writer.WriteEndObject();
        });
    }

    public async Task MetricsAsync(HttpContext context)
    {
        if (!access.Allows(context.Request))
        {
            await ErrorBody.WriteAsync(context, Unauthorized);
            return;
        }

        context.Response.ContentType = "text/plain; version=0.0.4";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(metrics.ToText()), context.RequestAborted);
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await api.IsAliveAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
