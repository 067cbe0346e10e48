using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Evidence.Events;
using Caracal.Evidence.Trail;
using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Evidence;

/// <summary>
/// The Gateway's audit events (gateway.md A12). Each is safe in the journal when its method returns; tokens,
/// credentials, bodies and URLs never get in.
/// </summary>
internal sealed class CallEvidence(AuditTrail trail, Func<DateTimeOffset> now, CallReceipts? receipts = null)
{
    /// <summary>A governed call: once after every successful exchange, before its answer is complete.</summary>
    public ValueTask RecordCallAsync(GatewayCall call, int gatewayStatus, string evaluationStatus, string? errorKind) =>
        RecordAsync(call, new AuditEvent
        {
            Id = call.EventId,
            ZoneId = call.Claims.ZoneId!,
            EventType = AuditEventTypes.GatewayResourceRequest,
            RequestId = call.RequestId,
            Decision = AuditDecisions.Allow,
            EvaluationStatus = evaluationStatus,
            MetadataJson = AuditJson.Object(
                new CallOutcome(call, gatewayStatus, errorKind), static (writer, outcome) => WriteCall(writer, outcome)),
            OccurredAt = now(),
        });

    /// <summary>A mandate presented a second time.</summary>
    public ValueTask RecordReplayAsync(GatewayCall call) => RecordAsync(call, new AuditEvent
    {
        Id = call.EventId,
        ZoneId = call.Claims.ZoneId!,
        EventType = AuditEventTypes.ReplayDetected,
        RequestId = call.RequestId,
        Decision = AuditDecisions.Deny,
        EvaluationStatus = "anomaly",
        MetadataJson = AuditJson.Object(call, static (writer, call) =>
        {
            writer.WriteString("jti"u8, call.Claims.Jti);
            writer.WriteString("resource"u8, call.Resource);
            writer.WriteString("client_id"u8, call.Claims.ClientId);
            writer.WriteString("subject_fp"u8, Fingerprint(call));
            writer.WriteString("request_id"u8, call.RequestId);
        }),
        OccurredAt = now(),
    });

    /// <summary>A sampled denial; <paramref name="unrecorded"/> is how many of its kind went by since the last one.</summary>
    public ValueTask RecordDenialAsync(GatewayCall call, string reason, long unrecorded) => RecordAsync(call, new AuditEvent
    {
        Id = call.EventId,
        ZoneId = call.Claims.ZoneId!,
        EventType = AuditEventTypes.GatewayDenied,
        RequestId = call.RequestId,
        Decision = AuditDecisions.Deny,
        EvaluationStatus = "complete",
        MetadataJson = AuditJson.Object((call, reason, unrecorded), static (writer, denial) =>
        {
            writer.WriteString("reason"u8, denial.reason);
            writer.WriteString("application_id"u8, denial.call.Claims.ClientId);
            writer.WriteString("resource"u8, denial.call.Resource);
            writer.WriteString("method"u8, denial.call.Method);
            writer.WriteString("subject_fingerprint"u8, Fingerprint(denial.call));
            writer.WriteNumber("unrecorded"u8, denial.unrecorded);
        }),
        OccurredAt = now(),
    });

    private ValueTask RecordAsync(GatewayCall call, AuditEvent evidence) =>
        receipts is null ? trail.RecordAsync(evidence) : RecordWithReceiptAsync(call, evidence, receipts);

    private async ValueTask RecordWithReceiptAsync(GatewayCall call, AuditEvent evidence, CallReceipts receipts)
    {
        await trail.RecordAsync(evidence);
        receipts.Give(call, evidence);
    }

    /// <summary>The first 16 hex characters of the token's SHA-256: names it without giving it away.</summary>
    internal static string Fingerprint(ReadOnlySpan<char> token)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        var bytes = token.Length <= 8192 ? stackalloc byte[8192] : new byte[token.Length];
        SHA256.HashData(bytes[..Encoding.ASCII.GetBytes(token, bytes)], digest);
        return Fingerprint(digest);
    }

    /// <summary>The same of a call's bearer, parsed or not.</summary>
    internal static string Fingerprint(GatewayCall call) => call.Token is { } token ? Fingerprint(token.Digest) : Fingerprint(call.Bearer.Span);

    private static string Fingerprint(ReadOnlySpan<byte> digest) => Convert.ToHexStringLower(digest[..8]);

    private static void WriteCall(Utf8JsonWriter writer, CallOutcome outcome)
    {
        var call = outcome.Call;
        writer.WriteString("application_id"u8, call.Claims.ClientId);
        if (call.Grant?.Upstream is { } directive)
        {
            writer.WriteString("auth_mode"u8, directive.AuthMode);
            WriteOptional(writer, "connection_id"u8, directive.ConnectionId);
            WriteOptional(writer, "provider_id"u8, directive.ProviderId);
        }

        WriteOptional(writer, "error_kind"u8, outcome.ErrorKind);
        writer.WriteNumber("gateway_status"u8, outcome.Status);
        writer.WriteNumber("latency_ms"u8, (long)call.Elapsed.TotalMilliseconds);
        writer.WriteString("method"u8, call.Method);
        writer.WriteString("resource"u8, call.Resource);
        writer.WriteNumber("response_bytes"u8, call.ResponseBytes);
        if (call.RevocationInterrupted)
        {
            writer.WriteBoolean("revocation_interrupted"u8, true);
        }

        writer.WriteString("subject_fingerprint"u8, Fingerprint(call));
        WriteOptional(writer, "subject_kind"u8, call.Claims.SubjectType);
        WriteOptional(writer, "trace_id"u8, call.TraceId);
        WriteOptional(writer, "upstream_host"u8, call.Upstream?.Host);
        if (call.Answer is { } answer)
        {
            writer.WriteString("result_class"u8, ResultClass((int)answer.StatusCode));
            writer.WriteNumber("upstream_status"u8, (int)answer.StatusCode);
        }
    }

    private static ReadOnlySpan<byte> ResultClass(int status) => status switch
    {
        >= 200 and < 300 => "success"u8,
        >= 300 and < 400 => "redirect"u8,
        >= 400 and < 500 => "client_error"u8,
        >= 500 => "server_error"u8,
        _ => "unknown"u8,
    };

    private static void WriteOptional(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            writer.WriteString(name, value);
        }
    }

    private readonly record struct CallOutcome(GatewayCall Call, int Status, string? ErrorKind);
}
