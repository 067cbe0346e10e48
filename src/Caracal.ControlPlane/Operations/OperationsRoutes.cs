using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Rotations;
using Caracal.Hosting.Health;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Operations;

/// <summary><c>/health</c>, <c>/ready</c>, <c>/metrics</c> and its alias (api.md 14).</summary>
internal sealed class OperationsRoutes(
    ControlPlaneSettings settings, Database database, DatabaseClock clock, ApiReadiness readiness, RateLimits limits,
    MetricsRegistry metrics, OutboxGauges gauges, KeyGauges keys)
{
    private readonly ClientAddress _addresses = new(settings);
    private readonly MetricsAccess _metricsAccess = new(settings.MetricsBearer, settings.Mode);

    public static Task HealthAsync(HttpContext context) => WriteAsync(context, 200, ok: true);

    public async Task ReadyAsync(HttpContext context)
    {
        if (await limits.CheckReadyAsync(_addresses.Of(context), context.RequestAborted) is { } busy)
        {
            await AnswerWriter.WriteAsync(context, busy);
            return;
        }

        await (await readiness.Checks.FirstReasonAsync() switch
        {
            null => WriteAsync(context, 200, ok: true),
            CachedReadiness.DrainingReason => WriteAsync(context, 503, ok: false, ("draining", true)),
            ApiReadiness.DeadMessages => WriteAsync(
                context, 503, ok: false, ("error", ApiReadiness.DeadMessages), ("deadCount", readiness.Dead), ("limit", (long)settings.ReadyDeadMaximum)),
            var error => WriteAsync(
                context, 503, ok: false, ("error", error), ("dependency", error == ApiReadiness.StateUnreachable ? "redis" : "postgres")),
        });
    }

    public async Task MetricsAsync(HttpContext context)
    {
        if (!_metricsAccess.Allows(context.Request))
        {
            await WriteUnauthorizedAsync(context);
            return;
        }

        await RefreshAsync(context);
        context.Response.ContentType = "text/plain; version=0.0.4";
        await context.Response.WriteAsync(metrics.ToText(), context.RequestAborted);
    }

    public async Task MetricsJsonAsync(HttpContext context)
    {
        if (!_metricsAccess.Allows(context.Request))
        {
            await WriteUnauthorizedAsync(context);
            return;
        }

        await RefreshAsync(context);
        await ErrorBody.WriteJsonAsync(context.Response, JsonRows.Object(metrics.WriteJsonByName));
    }

    private static Task WriteUnauthorizedAsync(HttpContext context)
    {
        context.Response.StatusCode = 401;
        return ErrorBody.WriteJsonAsync(context.Response, JsonRows.Object(writer => writer.WriteString("error", "unauthorized")));
    }

    // At once, so that a store that hangs costs its budget once.
    private Task RefreshAsync(HttpContext context) => Task.WhenAll(
        readiness.Checks.ReasonsAsync(),
        LastFigures.TryRefreshAsync(stop => gauges.RefreshAsync(database, clock, stop), context.RequestAborted),
        LastFigures.TryRefreshAsync(stop => keys.RefreshAsync(database, clock, stop), context.RequestAborted));

    private static Task WriteAsync(HttpContext context, int status, bool ok, params (string Name, object? Value)[] members)
    {
        context.Response.StatusCode = status;
        return ErrorBody.WriteJsonAsync(context.Response, JsonRows.Object(writer =>
        {
            writer.WriteBoolean("ok", ok);
            foreach (var (name, value) in members) AuditReads.FlatValues.Write(writer, name, value);
        }));
    }
}
