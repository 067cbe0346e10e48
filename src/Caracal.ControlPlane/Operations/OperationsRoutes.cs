using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Rotations;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Platform;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Operations;

/// <summary><c>/health</c>, <c>/ready</c>, <c>/metrics</c> and its alias (api.md 14).</summary>
internal sealed class OperationsRoutes(
    ControlPlaneSettings settings, Database database, DatabaseClock clock, ISharedState shared, RateLimits limits, MetricsRegistry metrics,
    OutboxGauges gauges, KeyGauges keys)
{
    private static readonly TimeSpan CheckBudget = TimeSpan.FromSeconds(5);

    private readonly ClientAddress _addresses = new(settings);
    private readonly MetricsAccess _metricsAccess = new(settings.MetricsBearer, settings.Mode);

    /// <summary>Set when the service begins to stop.</summary>
    public bool Draining { get; set; }

    public static Task HealthAsync(HttpContext context) => WriteAsync(context, 200, ok: true);

    public async Task ReadyAsync(HttpContext context)
    {
        if (await limits.CheckReadyAsync(_addresses.Of(context), context.RequestAborted) is { } busy)
        {
            await AnswerWriter.WriteAsync(context, busy);
            return;
        }

        if (Draining)
        {
            await WriteAsync(context, 503, ok: false, ("draining", true));
            return;
        }

        using var budget = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        budget.CancelAfter(CheckBudget);
        await (await CheckAsync(budget.Token) switch
        {
            (null, _) => WriteAsync(context, 200, ok: true),
            ("outbox_dead_messages", var dead) => WriteAsync(
                context, 503, ok: false, ("error", "outbox_dead_messages"), ("deadCount", dead), ("limit", (long)settings.ReadyDeadMaximum)),
            (var error, _) => WriteAsync(
                context, 503, ok: false, ("error", error), ("dependency", error == "redis_unreachable" ? "redis" : "postgres")),
        });
    }

    public async Task MetricsAsync(HttpContext context)
    {
        if (!_metricsAccess.Allows(context.Request))
        {
            await WriteUnauthorizedAsync(context);
            return;
        }

        await gauges.RefreshAsync(database, clock, context.RequestAborted);
        await keys.RefreshAsync(database, clock, context.RequestAborted);
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

        await gauges.RefreshAsync(database, clock, context.RequestAborted);
        await keys.RefreshAsync(database, clock, context.RequestAborted);
        await ErrorBody.WriteJsonAsync(context.Response, JsonRows.Object(metrics.WriteJsonByName));
    }

    private static Task WriteUnauthorizedAsync(HttpContext context)
    {
        context.Response.StatusCode = 401;
        return ErrorBody.WriteJsonAsync(context.Response, JsonRows.Object(writer => writer.WriteString("error", "unauthorized")));
    }

    private async Task<(string? Error, long Dead)> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            await database.ReadClockAsync(cancellationToken);
            if (await database.ReadSchemaStateAsync(cancellationToken) != SchemaState.Current) return (Database.SchemaOutdated, 0);
        }
        catch (Exception fault) when (fault is StorageUnavailableException or OperationCanceledException)
        {
            return ("postgres_unreachable", 0);
        }

        try
        {
            await shared.PingAsync(cancellationToken);
        }
        catch (Exception fault) when (fault is StreamsUnavailableException or OperationCanceledException)
        {
            return ("redis_unreachable", 0);
        }

        try
        {
            var figures = await database.ReadAsync(connection => OutboxFigures.ReadAsync(connection, database.Dialect), cancellationToken);
            return figures.Dead > settings.ReadyDeadMaximum ? ("outbox_dead_messages", figures.Dead) : (null, 0);
        }
        catch (Exception fault) when (fault is StorageUnavailableException or OperationCanceledException)
        {
            return ("outbox_unreachable", 0);
        }
    }

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
