using System.Collections.Immutable;
using System.Text.Json;
using Caracal.Authority.Workloads;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Workloads;

/// <summary><c>POST /v1/run/manifest</c> (sts.md 9.4): what a workload will be given, without giving it.</summary>
internal sealed class FetchManifest(ExchangeParts parts, WorkloadAuthentication authentication, LaunchAudit audit)
{
    public Task HandleAsync(HttpContext context) => RunEndpoint.AnswerAsync(context, parts.Metrics, AnswerAsync);

    private async Task<Refusal?> AnswerAsync(HttpContext context, FormFields form, CancellationToken cancellationToken)
    {
        var (launch, refusal) = await authentication.RunAsync(context, form, cancellationToken);
        if (launch is null)
        {
            return refusal;
        }

        if (!await parts.Limits.CountRunAsync($"rl:run-manifest:{launch.Workload.Id}:fetch", cancellationToken))
        {
            return StsErrors.RateLimited;
        }

        if (WorkloadBinding.TryReadAll(launch.Workload.Bindings) is not { IsEmpty: false } bindings)
        {
            return StsErrors.NoBindings;
        }

        await audit.ManifestAsync(launch, bindings.Length, cancellationToken);
        await ErrorBody.WriteJsonAsync(context.Response, writer => Write(writer, launch, bindings));
        return null;
    }

    private static void Write(Utf8JsonWriter writer, Launch launch, ImmutableArray<WorkloadBinding> bindings)
    {
        writer.WriteStartObject();
        writer.WriteString("zone_id"u8, launch.ZoneId);
        writer.WriteString("workload_id"u8, launch.Workload.Id);
        writer.WriteStartArray("bindings"u8);
        foreach (var binding in bindings)
        {
            writer.WriteStartObject();
            writer.WriteString("env"u8, binding.Env);
            writer.WriteString("resource"u8, binding.Resource);
            if (!binding.Scopes.IsEmpty)
            {
                writer.WriteStartArray("scopes"u8);
                foreach (var scope in binding.Scopes)
                {
                    writer.WriteStringValue(scope);
                }

                writer.WriteEndArray();
            }

            if (binding.Optional)
            {
                writer.WriteBoolean("optional"u8, true);
            }

            if (binding.OnFailure is { } failure)
            {
                writer.WriteString("on_failure"u8, failure);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
