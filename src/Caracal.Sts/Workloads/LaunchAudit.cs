using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.Evidence.Events;
using Caracal.Evidence.Trail;
using Caracal.Rego;
using Caracal.Storage.Approvals;
using Caracal.Sts.Audit;

namespace Caracal.Sts.Workloads;

/// <summary>The events of a workload's launch (sts.md 11). Safe in the journal before the answer leaves; never a credential.</summary>
internal sealed class LaunchAudit(AuditTrail trail)
{
    /// <summary>A workload that exists, with a secret that is not its own.</summary>
    public ValueTask AuthenticationFailedAsync(Launch launch, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(launch, AuditEventTypes.RunLaunch, AuditDecisions.Deny) with { EvaluationStatus = "workload_auth_failed", MetadataJson = Metadata(launch) },
            cancellationToken);

    public ValueTask ManifestAsync(Launch launch, int bindings, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(launch, AuditEventTypes.RunLaunch, AuditDecisions.Allow) with { MetadataJson = Metadata(launch, bindings) }, cancellationToken);

    public ValueTask DecisionAsync(Launch launch, PolicyDecision decision, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(launch, AuditEventTypes.TokenExchange, decision.Allowed ? AuditDecisions.Allow : AuditDecisions.Deny) with
            {
                EvaluationStatus = decision.EvaluationStatus,
                DeterminingPoliciesJson = ExchangeAudit.Json(decision.DeterminingPolicies),
                DiagnosticsJson = ExchangeAudit.Json(decision.Diagnostics),
                MetadataJson = Metadata(launch),
            },
            cancellationToken);

    public ValueTask PolicyFailedAsync(Launch launch, string error, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(launch, AuditEventTypes.TokenExchange, AuditDecisions.Deny) with
            {
                EvaluationStatus = "policy_eval_failed",
                DiagnosticsJson = ExchangeAudit.Json(RegoValue.Array([new RegoObjectBuilder(1).Add("error", error).Build()])),
                MetadataJson = Metadata(launch),
            },
            cancellationToken);

    /// <summary>A deny with a name of its own.</summary>
    public ValueTask DenyAsync(Launch launch, string status, CancellationToken cancellationToken, string? reason = null) =>
        trail.RecordAsync(
            Base(launch, AuditEventTypes.TokenExchange, AuditDecisions.Deny) with { EvaluationStatus = status, MetadataJson = Metadata(launch, reason: reason) },
            cancellationToken);

    public ValueTask StepUpIssuedAsync(Launch launch, Hold hold, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(launch, AuditEventTypes.StepUpIssued, AuditDecisions.Pending) with { MetadataJson = StepUpMetadata.Write(hold) }, cancellationToken);

    public ValueTask StepUpConsumedAsync(Launch launch, Hold hold, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(launch, AuditEventTypes.StepUpConsumed, AuditDecisions.Consumed) with { MetadataJson = StepUpMetadata.Write(hold) }, cancellationToken);

    /// <summary>Two mandates with one id.</summary>
    public ValueTask JtiCollisionAsync(Launch launch, string jti, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(launch, AuditEventTypes.JtiCollision, AuditDecisions.Deny) with
            {
                EvaluationStatus = "anomaly",
                MetadataJson = AuditJson.Object((launch, jti), static (writer, state) =>
                {
                    writer.WriteString("jti"u8, state.jti);
                    writer.WriteString("app_id"u8, state.launch.Workload.Id);
                    writer.WriteString("request_id"u8, state.launch.RequestId);
                }),
            },
            cancellationToken);

    private static AuditEvent Base(Launch launch, string type, string decision) => new()
    {
        ZoneId = launch.ZoneId,
        EventType = type,
        RequestId = launch.RequestId,
        Decision = decision,
        PolicySetId = launch.Zone?.Policy.PolicySetId,
        PolicySetVersionId = launch.Zone?.Policy.VersionId,
        ManifestSha = launch.Zone?.Policy.ManifestSha,
        OccurredAt = launch.Now,
    };

    private static ReadOnlyMemory<byte> Metadata(Launch launch, int? bindings = null, string? reason = null) =>
        AuditJson.Object((launch, bindings, reason), static (writer, state) =>
        {
            var launch = state.launch;
            writer.WriteString("workload_id"u8, launch.Workload.Id);
            writer.WriteString("workload_name"u8, launch.Workload.Name);
            if (launch.Binding is { } binding)
            {
                WriteBinding(writer, launch, binding);
            }

            if (launch.LaunchId is { } id)
            {
                writer.WriteString("launch_id"u8, id);
            }

            if (state.bindings is { } count)
            {
                writer.WriteNumber("binding_count"u8, count);
            }

            if (state.reason is { } reason)
            {
                writer.WriteString("reason"u8, reason);
            }
        });

    private static void WriteBinding(Utf8JsonWriter writer, Launch launch, Authority.Workloads.WorkloadBinding binding)
    {
        writer.WriteString("env"u8, binding.Env);
        writer.WriteString("resource"u8, launch.Resource?.Identifier ?? binding.Resource);
        writer.WriteStartArray("requested_scopes"u8);
        foreach (var scope in binding.Scopes)
        {
            writer.WriteStringValue(scope);
        }

        writer.WriteEndArray();
    }
}
