using System.Buffers;
using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.Authority.TokenExchange;
using Caracal.Evidence.Events;
using Caracal.Evidence.Trail;
using Caracal.Protocol.Mandates;
using Caracal.Rego;
using Caracal.Storage.Approvals;
using Caracal.Sts.TokenExchange;
using Caracal.Sts.Zones;

namespace Caracal.Sts.Audit;

/// <summary>The events of the token exchange (sts.md 11). Each is safe in the journal before the call returns, so before the answer leaves.</summary>
internal sealed class ExchangeAudit(AuditTrail trail)
{
    /// <summary>A policy decision about one resource.</summary>
    public ValueTask DecisionAsync(Exchange exchange, ExchangeResource resource, PolicyDecision decision, CancellationToken cancellationToken)
    {
        var input = KeptPolicyInput.Write(exchange, resource);
        return trail.RecordAsync(
            Base(exchange, AuditEventTypes.TokenExchange, decision.Allowed ? AuditDecisions.Allow : AuditDecisions.Deny) with
            {
                EvaluationStatus = decision.EvaluationStatus,
                DeterminingPoliciesJson = Json(decision.DeterminingPolicies),
                DiagnosticsJson = Json(decision.Diagnostics),
                MetadataJson = ExchangeMetadata.Write(exchange, resource.Identifier, denied: !decision.Allowed, policyInput: input),
                PolicyInputJson = input,
            },
            cancellationToken);
    }

    /// <summary>The engine could not decide.</summary>
    public ValueTask PolicyFailedAsync(Exchange exchange, string resource, string error, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(exchange, AuditEventTypes.TokenExchange, AuditDecisions.Deny) with
            {
                EvaluationStatus = "policy_eval_failed",
                DiagnosticsJson = Json(RegoValue.Array([new RegoObjectBuilder(1).Add("error", error).Build()])),
                MetadataJson = ExchangeMetadata.Write(exchange, resource),
            },
            cancellationToken);

    /// <summary>A deny with a name of its own.</summary>
    public ValueTask DenyAsync(
        Exchange exchange, string status, CancellationToken cancellationToken, string? resource = null, string? reason = null) =>
        trail.RecordAsync(
            Base(exchange, AuditEventTypes.TokenExchange, AuditDecisions.Deny) with
            {
                EvaluationStatus = status,
                MetadataJson = ExchangeMetadata.Write(exchange, resource, reason),
            },
            cancellationToken);

    /// <summary>A foreign issuer's user came in.</summary>
    public ValueTask FederatedAsync(
        Exchange exchange, PolicyDecision decision, string issuer, string sid, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(exchange, AuditEventTypes.TokenExchange, AuditDecisions.Allow) with
            {
                DeterminingPoliciesJson = Json(decision.DeterminingPolicies),
                MetadataJson = AuditJson.Object((exchange.Application, issuer, sid), static (writer, state) =>
                {
                    writer.WriteString("application_id"u8, state.Application!.Id);
                    writer.WriteString("application_name"u8, state.Application.Name);
                    writer.WriteString("application_registration_method"u8, state.Application.RegistrationMethod);
                    writer.WriteString("federated_user_issuer"u8, state.issuer);
                    writer.WriteString("session_id"u8, state.sid);
                    writer.WriteString("subject_kind"u8, "user"u8);
                }),
            },
            cancellationToken);

    /// <summary>No resource was granted.</summary>
    public ValueTask ExchangeDeniedAsync(Exchange exchange, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(exchange, AuditEventTypes.TokenExchange, AuditDecisions.Deny) with
            {
                EvaluationStatus = "exchange_denied",
                MetadataJson = ExchangeMetadata.Write(exchange, resource: null, reason: null, withRequested: true),
            },
            cancellationToken);

    /// <summary>B13: a wrong secret, for a zone that exists.</summary>
    public ValueTask ClientAuthFailedAsync(Exchange exchange, CancellationToken cancellationToken) =>
        FailedCallAsync(exchange, AuditEventTypes.ClientAuthFailed, cancellationToken);

    /// <summary>B13: a Gateway signature that does not hold, for a zone that exists.</summary>
    public ValueTask GatewaySignatureInvalidAsync(Exchange exchange, CancellationToken cancellationToken) =>
        FailedCallAsync(exchange, AuditEventTypes.GatewaySignatureInvalid, cancellationToken);

    /// <summary>A hold was made.</summary>
    public ValueTask StepUpIssuedAsync(Exchange exchange, Hold hold, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(exchange, AuditEventTypes.StepUpIssued, AuditDecisions.Pending) with { MetadataJson = StepUpMetadata.Write(hold) },
            cancellationToken);

    /// <summary>A hold was spent, or its record got another bearer.</summary>
    public ValueTask StepUpConsumedAsync(Exchange exchange, Hold hold, string? reissuedRecord, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(exchange, AuditEventTypes.StepUpConsumed, AuditDecisions.Consumed) with
            {
                MetadataJson = reissuedRecord is null ? StepUpMetadata.Write(hold) : StepUpMetadata.WriteReissued(hold, reissuedRecord),
            },
            cancellationToken);

    /// <summary>A client ended a mandate of its own (RFC 7009).</summary>
    public ValueTask TokenRevokedAsync(
        ZoneState zone, ExchangeApplication application, MandateClaims claims, string requestId, DateTimeOffset now, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            new AuditEvent
            {
                ZoneId = zone.ZoneId,
                EventType = AuditEventTypes.TokenRevoked,
                RequestId = requestId,
                Decision = AuditDecisions.Allow,
                MetadataJson = AuditJson.Object((application, claims), static (writer, state) =>
                {
                    writer.WriteString("application_id"u8, state.application.Id);
                    writer.WriteString("application_name"u8, state.application.Name);
                    writer.WriteString("session_id"u8, state.claims.Sid);
                    writer.WriteString("jti"u8, state.claims.Jti);
                }),
                OccurredAt = now,
            },
            cancellationToken);

    /// <summary>Two mandates with one id: something is badly wrong.</summary>
    public ValueTask JtiCollisionAsync(Exchange exchange, string jti, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(exchange, AuditEventTypes.JtiCollision, AuditDecisions.Deny) with
            {
                EvaluationStatus = "anomaly",
                MetadataJson = AuditJson.Object((exchange, jti), static (writer, state) =>
                {
                    writer.WriteString("jti"u8, state.jti);
                    writer.WriteString("app_id"u8, state.exchange.Application!.Id);
                    writer.WriteString("request_id"u8, state.exchange.RequestId);
                }),
            },
            cancellationToken);

    private ValueTask FailedCallAsync(Exchange exchange, string type, CancellationToken cancellationToken) =>
        trail.RecordAsync(
            Base(exchange, type, AuditDecisions.Deny) with
            {
                EvaluationStatus = type,
                MetadataJson = AuditJson.Object(exchange, static (writer, e) =>
                {
                    // An id that is no id at all may be anything a stranger typed.
                    if (e.Request.ApplicationId is { Length: <= 128 } id)
                    {
                        writer.WriteString("application_id"u8, id);
                    }
                }),
            },
            cancellationToken);

    private static AuditEvent Base(Exchange exchange, string type, string decision)
    {
        var policy = exchange.Zone?.Policy;
        return new AuditEvent
        {
            ZoneId = exchange.ZoneId,
            EventType = type,
            RequestId = exchange.RequestId,
            Decision = decision,
            PolicySetId = policy?.PolicySetId,
            PolicySetVersionId = policy?.VersionId,
            ManifestSha = policy?.ManifestSha,
            OccurredAt = exchange.Now,
        };
    }

    /// <summary>A value of the policy language as JSON.</summary>
    public static ReadOnlyMemory<byte> Json(RegoValue value)
    {
        if (value.Count == 0)
        {
            return AuditJson.EmptyArray;
        }

        var buffer = new ArrayBufferWriter<byte>(128);
        value.WriteUtf8Json(buffer);
        return buffer.WrittenMemory;
    }
}
