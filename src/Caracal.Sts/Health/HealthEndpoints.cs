using System.Text.Json;
using Caracal.Authority.DecisionContract;
using Caracal.Evidence.Trail;
using Caracal.Hosting.Health;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Sts.Policies;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Health;

/// <summary><c>/health</c>, <c>/ready</c>, <c>/metrics</c>, <c>/metrics.json</c> (sts.md 14, operations.md 6.2).</summary>
internal sealed class HealthEndpoints(
    CachedReadiness readiness, AuditTrail trail, MetricsRegistry registry, MetricsAccess access, PolicyFigures policy,
    Func<TimeSpan> oldestPolicy, TimeSpan poll)
{
    public Task HealthAsync(HttpContext context) =>
        ErrorBody.WriteJsonAsync(context.Response, static writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, true);
            writer.WriteEndObject();
        });

    public Task ReadyAsync(HttpContext context) => ReadyAnswer.WriteAsync(context, readiness);

    public async Task MetricsTextAsync(HttpContext context)
    {
        if (await RefusesAsync(context))
        {
            return;
        }

        await readiness.ReasonsAsync();
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
}
