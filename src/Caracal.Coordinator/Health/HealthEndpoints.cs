using System.Text;
using System.Text.Json;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Requests;
using Caracal.Hosting.Health;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Coordinator.Health;

/// <summary><c>/health /ready /metrics /stats</c> (coordinator.md 15).</summary>
internal sealed class HealthEndpoints(
    CoordinatorSettings settings, Authenticator authenticator, RateLimits limits, CachedReadiness readiness, StoredFigures figures,
    CoordinatorMetrics metrics)
{
    /// <summary>Alive: no dependency is asked.</summary>
    public static Task HealthAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        return ErrorBody.WriteJsonAsync(context.Response, writer => WriteOk(writer, ok: true));
    }

    /// <summary>Ready: the store, the outbox and the shared state, in this order of precedence.</summary>
    public async Task ReadyAsync(HttpContext context)
    {
        if (await CheckRateAsync(context) is { } limited)
        {
            await ReplyWriter.WriteAsync(context, limited);
            return;
        }

        var reason = await readiness.FirstReasonAsync();
        await WriteAsync(context, reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, writer =>
        {
            if (reason == CachedReadiness.DrainingReason)
            {
                writer.WriteBoolean("draining"u8, true);
            }
            else if (reason is not null)
            {
                writer.WriteString("error"u8, reason);
                writer.WriteString("dependency"u8, Readiness.DependencyOf(reason));
            }
        }, ok: reason is null);
    }

    public async Task MetricsAsync(HttpContext context)
    {
        if (authenticator.CheckMetrics(context.Request) is { } refusal)
        {
            await ReplyWriter.WriteAsync(context, refusal);
            return;
        }

        await RefreshAsync(context);
        context.Response.ContentType = "text/plain; version=0.0.4";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(metrics.Registry.ToText()), context.RequestAborted);
    }

    public async Task MetricsJsonAsync(HttpContext context)
    {
        if (authenticator.CheckMetrics(context.Request) is { } refusal)
        {
            await ReplyWriter.WriteAsync(context, refusal);
            return;
        }

        await RefreshAsync(context);
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            metrics.Registry.WriteJsonByName(writer);
            writer.WriteEndObject();
        });
    }

    public async Task StatisticsAsync(HttpContext context)
    {
        if (authenticator.CheckStatistics(context.Request) is { } refusal)
        {
            await ReplyWriter.WriteAsync(context, refusal);
            return;
        }

        await figures.RefreshAsync(context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status200OK;
        await ErrorBody.WriteJsonAsync(context.Response, WriteStatistics);
    }

    // At once, so that a store that hangs costs its budget once.
    private Task RefreshAsync(HttpContext context) => Task.WhenAll(readiness.ReasonsAsync(), figures.RefreshAsync(context.RequestAborted));

    // Never for loopback, and never while only this process counts: probes must not fail because of probes (operations.md 6.2).
    private async ValueTask<Refusal?> CheckRateAsync(HttpContext context)
    {
        var address = ClientAddress.Of(context, settings);
        return !System.Net.IPAddress.IsLoopback(address)
            && await limits.HitAsync("ready_rl", address.ToString(), settings.ReadyRateLimit, onlyShared: true, context.RequestAborted) is { } wait
            ? CoordinatorErrors.RateLimited with { RetryAfterSeconds = wait }
            : null;
    }

    private static Task WriteAsync(HttpContext context, int status, Action<Utf8JsonWriter> more, bool ok)
    {
        context.Response.StatusCode = status;
        return ErrorBody.WriteJsonAsync(context.Response, writer => WriteOk(writer, ok, more));
    }

    private static void WriteOk(Utf8JsonWriter writer, bool ok, Action<Utf8JsonWriter>? more = null)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("ok"u8, ok);
        more?.Invoke(writer);
        writer.WriteEndObject();
    }

    private void WriteStatistics(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("invocations"u8);
        foreach (var status in StoredFigures.InvocationStates)
        {
            writer.WriteNumber(status, figures.Invocations(status));
        }

        writer.WriteEndObject();
        writer.WriteStartObject("outbox"u8);
        foreach (var status in (ReadOnlySpan<string>)["pending", "published", "dead"])
        {
            writer.WriteNumber(status, figures.OutboxRows(status));
        }

        writer.WriteEndObject();
        writer.WriteStartObject("idempotency"u8);
        writer.WriteNumber("rows"u8, figures.Receipts);
        writer.WriteNumber("oldestSeconds"u8, Math.Floor(figures.OldestReceiptSeconds));
        writer.WriteStartObject("outcomes"u8);
        writer.WriteNumber("created"u8, metrics.IdempotencyCreated.Value);
        writer.WriteNumber("replayed"u8, metrics.IdempotencyReplayed.Value);
        writer.WriteNumber("conflicts"u8, metrics.IdempotencyConflicts.Value);
        writer.WriteNumber("invalid"u8, metrics.IdempotencyInvalid.Value);
        writer.WriteNumber("expired"u8, metrics.IdempotencyExpired.Value);
        writer.WriteEndObject();
        writer.WriteEndObject();
        WriteRuns(writer, "ttl_sweeper", metrics.TtlSweeps.Value);
        WriteRuns(writer, "service_lease_sweeper", metrics.LeaseSweeps.Value);
        WriteRuns(writer, "retention_cleaner", metrics.RetentionRuns.Value);
        writer.WriteStartObject("log"u8);
        writer.WriteNumber("emitted"u8, metrics.LogLines);
        writer.WriteNumber("dropped"u8, metrics.LogLinesDropped);
        writer.WriteNumber("sampled"u8, 0);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteRuns(Utf8JsonWriter writer, string job, long runs)
    {
        writer.WriteStartObject(job);
        writer.WriteNumber("runs"u8, runs);
        writer.WriteEndObject();
    }
}
