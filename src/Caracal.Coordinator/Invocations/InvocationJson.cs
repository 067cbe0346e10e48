using System.Text.Json;
using Caracal.Authority.Invocations;
using Caracal.Coordinator.Requests;

namespace Caracal.Coordinator.Invocations;

/// <summary>Invocations on the wire; params, metadata and errors stay inside (coordinator.md 9).</summary>
internal static class InvocationJson
{
    /// <summary>The row, the answer to every call about one invocation.</summary>
    public static void WriteRow(Utf8JsonWriter writer, Invocation invocation) => Write(writer, invocation, whole: true);

    /// <summary>An item of a list.</summary>
    public static void WriteItem(Utf8JsonWriter writer, Invocation invocation) => Write(writer, invocation, whole: false);

    private static void Write(Utf8JsonWriter writer, Invocation invocation, bool whole)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, invocation.Id);
        writer.WriteString("zone_id"u8, invocation.ZoneId);
        writer.WriteString("service_id"u8, invocation.ServiceId);
        writer.WriteString("source_session_id"u8, invocation.SourceSessionId);
        writer.WriteString("target_session_id"u8, invocation.TargetSessionId);
        writer.WriteString("method"u8, invocation.Method);
        writer.WriteString("status"u8, invocation.Status);
        writer.WriteNumber("attempts"u8, invocation.Attempts);
        writer.WriteNumber("max_attempts"u8, invocation.MaxAttempts);
        writer.WriteNumber("timeout_ms"u8, invocation.TimeoutMs);
        if (whole)
        {
            writer.WritePropertyName("retry_policy_json"u8);
            writer.WriteRawValue(invocation.RetryPolicyJson);
        }

        Paging.WriteTime(writer, "deadline_at", invocation.DeadlineAt);
        if (whole)
        {
            Paging.WriteTime(writer, "cancel_requested_at", invocation.CancelRequestedAt);
        }

        Paging.WriteTime(writer, "started_at", invocation.StartedAt);
        Paging.WriteTime(writer, "completed_at", invocation.CompletedAt);
        Paging.WriteTime(writer, "created_at", invocation.CreatedAt);
        writer.WriteEndObject();
    }
}
