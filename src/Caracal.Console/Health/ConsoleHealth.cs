using System.Text;
using Caracal.Console.ControlPlane;
using Caracal.Hosting.Health;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Caracal.Console.Health;

/// <summary><c>/health</c>, <c>/ready</c> and <c>/metrics</c> (operations.md 6): ready means that the API answers.</summary>
internal sealed class ConsoleHealth
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2.5);
    private static readonly Refusal Unauthorized = new(401, "unauthorized");

    private readonly MetricsRegistry _metrics;
    private readonly MetricsAccess _access;
    private readonly CachedReadiness _readiness;

    public ConsoleHealth(ApiClient api, MetricsRegistry metrics, MetricsAccess access, TimeProvider time)
    {
        _metrics = metrics;
        _access = access;
        _readiness = new CachedReadiness(
            ConsoleSettings.Role,
            [new(ApiProblem.Unreachable.Code, async budget => await api.IsAliveAsync(budget) ? null : ApiProblem.Unreachable.Code)],
            Budget, time, NullLogger.Instance);
        _readiness.Show(metrics);
    }

    public Task HealthAsync(HttpContext context) => ErrorBody.WriteJsonAsync(context.Response, writer =>
    {
        writer.WriteStartObject();
        writer.WriteBoolean("ok"u8, true);
        writer.WriteEndObject();
    });

    public Task ReadyAsync(HttpContext context) => ReadyAnswer.WriteAsync(context, _readiness);

    public async Task MetricsAsync(HttpContext context)
    {
        if (!_access.Allows(context.Request))
        {
            await ErrorBody.WriteAsync(context, Unauthorized);
            return;
        }

        await _readiness.ReasonsAsync();
        context.Response.ContentType = "text/plain; version=0.0.4";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(_metrics.ToText()), context.RequestAborted);
    }
}
