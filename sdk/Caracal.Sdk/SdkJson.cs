using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Caracal.Sdk.Sessions;

namespace Caracal.Sdk;

/// <summary>The wire's JSON, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TokenError))]
[JsonSerializable(typeof(ServiceError))]
[JsonSerializable(typeof(StartBody))]
[JsonSerializable(typeof(StartedSession))]
[JsonSerializable(typeof(LeaseState))]
[JsonSerializable(typeof(HeartbeatBody))]
[JsonSerializable(typeof(HeartbeatAnswer))]
[JsonSerializable(typeof(CloseBody))]
[JsonSerializable(typeof(DelegationBody))]
[JsonSerializable(typeof(DelegationCreated))]
[JsonSerializable(typeof(InboundDelegation))]
[JsonSerializable(typeof(ApprovalState))]
[JsonSerializable(typeof(DecisionBody))]
internal sealed partial class SdkJson : JsonSerializerContext
{
    /// <summary>The value; null when the body is none of that shape.</summary>
    public static T? TryRead<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(body, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

internal sealed record TokenError
{
    public string? Error { get; init; }
    public string? ErrorDescription { get; init; }

    [JsonPropertyName("requestId")]
    public string? RequestId { get; init; }
    public string? ApprovalId { get; init; }
    public string? State { get; init; }
    public string? Tier { get; init; }
    public string? Binding { get; init; }
    public string? Resource { get; init; }
    public string? ApprovalExpiresAt { get; init; }
}

internal sealed record ServiceError(string? Error, string? RequestId);

internal sealed record ApprovalState(string? State);

internal sealed record DecisionBody(string Decision, string Binding, string? Reason);
