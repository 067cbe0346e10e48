using System.Text;
using Caracal.Hosting.Health;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit.Health;

/// <summary><c>GET /metrics</c> and <c>/metrics.json</c> (audit.md 10, 13).</summary>
/// <param name="metrics">The series.</param>
/// <param name="readiness">Asked before they are written, since it is one of them.</param>
/// <param name="access">Who may read them.</param>
internal sealed class AuditMetricsEndpoint(AuditMetrics metrics, CachedReadiness readiness, MetricsAccess access)
{
    public async Task TextAsync(HttpContext context)
    {
        if (!access.Allows(context.Request))
        {
            await PlainText.WriteAsync(context, 401, AuditErrors.Unauthorized);
            return;
        }

        await readiness.ReasonsAsync();
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(metrics.Registry.ToText()), context.RequestAborted);
    }

    public async Task JsonAsync(HttpContext context)
    {
        if (!access.Allows(context.Request))
        {
            await PlainText.WriteAsync(context, 401, AuditErrors.Unauthorized);
            return;
        }

        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            metrics.Registry.WriteJson(writer);
            writer.WriteEndObject();
        });
    }
}
