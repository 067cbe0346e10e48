using System.Text.Json;
using Caracal.Authority.DecisionContract;
using Caracal.Evidence.Trail;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Streams;
using Caracal.Streams.State;
using Caracal.Sts.Policies;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Health;

/// <summary><c>/health</c>, <c>/ready</c>, <c>/metrics</c>, <c>/metrics.json</c> (sts.md 14, operations.md 6.2).</summary>
internal sealed class HealthEndpoints(
    Database database, ISharedState state, AuditTrail trail, Func<bool> consumersReady, MetricsRegistry registry,
    MetricsAccess access, PolicyFigures policy, Func<TimeSpan> oldestPolicy, TimeSpan poll, TimeProvider time)
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CacheLife = TimeSpan.FromSeconds(1);

    private volatile Probe? _last;

    public Task HealthAsync(HttpContext context) =>
        ErrorBody.WriteJsonAsync(context.Response, static writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, true);
            writer.WriteEndObject();
        });

    public async Task ReadyAsync(HttpContext context)
    {
        // Kept for a second, so that probes cannot overload what they probe.
        var probe = _last;
        if (probe is null || time.GetElapsedTime(probe.At) > CacheLife)
        {
            _last = probe = new Probe(await FirstReasonAsync(), time.GetTimestamp());
        }

        context.Response.StatusCode = probe.Reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, probe.Reason is null);
            writer.WriteBoolean("ready"u8, probe.Reason is null);
            if (probe.Reason is not null)
            {
                writer.WriteString("reason"u8, probe.Reason);
            }

            writer.WriteEndObject();
        });
    }

    public async Task MetricsTextAsync(HttpContext context)
    {
        if (await RefusesAsync(context))
        {
            return;
        }

        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await context.Response.WriteAsync(registry.ToText(), context.RequestAborted);
    }

    public async Task MetricsJsonAsync(HttpContext context)
    {
        if (await RefusesAsync(context))
        {
            return;
        }

        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartObject("sts"u8);
            registry.WriteJson(writer);
            writer.WriteEndObject();
            WritePolicy(writer);
            writer.WriteNumber("audit_dropped"u8, trail.Figures.Dropped);
            writer.WriteEndObject();
        });
    }

    private void WritePolicy(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("opa"u8);
        writer.WriteNumber("eval_total"u8, policy.Evaluations);
        writer.WriteNumber("eval_errors"u8, policy.EvaluationErrors);
        writer.WriteNumber("eval_duration_ns"u8, (long)policy.EvaluationTime.TotalNanoseconds);
        writer.WriteNumber("compile_total"u8, policy.Compilations);
        writer.WriteNumber("compile_errors"u8, policy.CompilationErrors);
        writer.WriteNumber("compile_duration_ns"u8, (long)policy.CompilationTime.TotalNanoseconds);
        writer.WriteNumber("max_policy_age_seconds"u8, (long)oldestPolicy().TotalSeconds);
        writer.WriteNumber("poll_interval_seconds"u8, (long)poll.TotalSeconds);
        writer.WriteString("decision_contract_version"u8, DecisionContractModule.Version);
        writer.WriteString("decision_contract_sha256"u8, DecisionContractModule.Sha256);
        writer.WriteEndObject();
    }

    private async Task<bool> RefusesAsync(HttpContext context)
    {
        if (access.Allows(context.Request))
        {
            return false;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer realm=\"caracal-sts\"";
        await ErrorBody.WriteAsync(context, StsErrors.BadBearer);
        return true;
    }

    private async Task<string?> FirstReasonAsync()
    {
        using var budget = new CancellationTokenSource(Budget, time);
        var outdated = false;
        var store = FailsAsync(
            async () =>
            {
                await database.ReadClockAsync(budget.Token);
                outdated = await database.ReadSchemaStateAsync(budget.Token) != SchemaState.Current;
            },
            budget.Token);
        var shared = FailsAsync(() => state.PingAsync(budget.Token).AsTask(), budget.Token);
        await Task.WhenAll(store, shared);
        return store.Result ? "postgres_unreachable"
            : outdated ? Database.SchemaOutdated
            : shared.Result ? "redis_unreachable"
            : trail.NotReady ?? (consumersReady() ? null : "stream_consumers_not_ready");
    }

    private static async Task<bool> FailsAsync(Func<Task> probe, CancellationToken budget)
    {
        try
        {
            await probe().WaitAsync(budget);
            return false;
        }
        catch (Exception fault) when (fault is StorageUnavailableException or StreamsUnavailableException or OperationCanceledException or ObjectDisposedException)
        {
            return true;
        }
    }

    private sealed record Probe(string? Reason, long At);
}
