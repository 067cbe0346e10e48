using System.Text.Json;
using Caracal.Authority.Idempotency;
using Caracal.Authority.Invocations;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Idempotency;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;

namespace Caracal.Coordinator.Invocations;

/// <summary>The body of an invocation, checked field by field (coordinator.md 9).</summary>
internal sealed record InvocationRequest
{
    public required string ServiceId { get; init; }
    public string? SourceSessionId { get; init; }
    public string? TargetSessionId { get; init; }
    public required string Key { get; init; }
    public required string Method { get; init; }
    public required string ParamsJson { get; init; }
    public required string MetadataJson { get; init; }
    public required int TimeoutMs { get; init; }
    public required string RetryPolicyJson { get; init; }
    public required int MaxAttempts { get; init; }

    /// <summary>The request, or the answer to a body that is none.</summary>
    public static (InvocationRequest? Request, Reply? Refused) Read(JsonElement body)
    {
        var reader = new BodyReader(body);
        var policy = new BodyReader(reader.Member("retry_policy"));
        var attempts = (int)(policy.Integer("max_attempts", 1, InvocationLimits.MaximumAttempts) ?? InvocationLimits.DefaultAttempts);
        var backoff = (int)(policy.Integer("backoff_ms", 0, InvocationLimits.MaximumBackoffMs) ?? InvocationLimits.DefaultBackoffMs);
        var parameters = reader.Member("params");
        var request = new InvocationRequest
        {
            ServiceId = reader.RequiredText("service_id"),
            SourceSessionId = reader.OptionalText("source_session_id"),
            TargetSessionId = reader.OptionalText("target_session_id"),
            Key = reader.RequiredText("idempotency_key"),
            Method = reader.RequiredText("method"),
            ParamsJson = parameters.ValueKind == JsonValueKind.Undefined ? "{}" : parameters.GetRawText(),
            MetadataJson = reader.ObjectText("metadata"),
            TimeoutMs = (int)(reader.Integer("timeout_ms", 1, InvocationLimits.MaximumTimeoutMs) ?? InvocationLimits.DefaultTimeoutMs),
            RetryPolicyJson = InvocationRules.RetryPolicy(attempts, backoff),
            MaxAttempts = attempts,
        };
        if (request.Method.Length > InvocationLimits.MaximumMethodLength)
        {
            reader.AddIssue($"Expected a string of 1 to {InvocationLimits.MaximumMethodLength} characters", "method");
        }

        foreach (var issue in policy.Issues)
        {
            reader.AddIssue(issue.Message, ["retry_policy", .. issue.Path]);
        }

        return !reader.IsValid ? (null, Reply.Invalid(reader.Issues))
            : IdempotencyRules.IsKey(request.Key) ? (request, null)
            : (null, Reply.Refused(IdempotencyRefusals.KeyInvalid));
    }

    /// <summary>What the key stands for (coordinator.md 10); null when a number in it has no canonical form.</summary>
    public byte[]? Digest(Caller caller) => RequestDigests.Digest(writer =>
    {
        RequestDigests.WritePrincipal(writer, caller.ClientId, caller.Subject);
        writer.WriteString("service_id"u8, ServiceId);
        writer.WriteString("source_session_id"u8, SourceSessionId);
        writer.WriteString("target_session_id"u8, TargetSessionId);
        writer.WriteString("method"u8, Method);
        writer.WritePropertyName("params"u8);
        writer.WriteRawValue(ParamsJson);
        writer.WritePropertyName("metadata"u8);
        writer.WriteRawValue(MetadataJson);
        writer.WriteNumber("timeout_ms"u8, TimeoutMs);
        writer.WritePropertyName("retry_policy"u8);
        writer.WriteRawValue(RetryPolicyJson);
    });

    /// <summary>The row it makes.</summary>
    public Invocation ToInvocation(string zoneId, DateTimeOffset now) => new()
    {
        Id = Ids.New(),
        ZoneId = zoneId,
        ServiceId = ServiceId,
        SourceSessionId = SourceSessionId,
        TargetSessionId = TargetSessionId,
        Method = Method,
        ParamsJson = ParamsJson,
        MetadataJson = MetadataJson,
        MaxAttempts = MaxAttempts,
        TimeoutMs = TimeoutMs,
        RetryPolicyJson = RetryPolicyJson,
        CreatedAt = now,
        UpdatedAt = now,
    };
}
