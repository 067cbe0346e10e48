using System.Text.Json;
using Caracal.Authority.AgentServices;
using Caracal.Protocol;

namespace Caracal.Authority.Invocations;

/// <summary>What an invocation becomes, and the event that tells of it; or why it stays as it is.</summary>
/// <param name="Next">The row after the step; null when refused.</param>
/// <param name="Event">The lifecycle event.</param>
/// <param name="Refusal">Set when refused.</param>
public readonly record struct InvocationStep(Invocation? Next, string Event, Refusal? Refusal);

/// <summary>
/// The states of an invocation (coordinator.md 9): <c>pending → running → succeeded|failed</c>, <c>failed → running</c>
/// while attempts are left, <c>running → cancel_requested → succeeded|failed</c>, and an end for what nobody ends.
/// </summary>
public static class InvocationRules
{
    /// <summary>
    /// The next attempt. One that failed waits for its backoff, and none follows once a caller asked for the end: v1.0
    /// forgot both (coordinator.md 19.10).
    /// </summary>
    public static InvocationStep Start(Invocation invocation, DateTimeOffset now)
    {
        if (invocation.CancelRequestedAt is not null || !MayBegin(invocation))
        {
            return Refused(InvocationRefusals.NotStartable);
        }

        if (invocation is { Status: InvocationStatus.Failed, CompletedAt: { } failed } && failed + Backoff(invocation) is var due && due > now)
        {
            return Refused(InvocationRefusals.NotStartable with { RetryAfterSeconds = (int)Math.Ceiling((due - now).TotalSeconds) });
        }

        return new InvocationStep(
            invocation with
            {
                Status = InvocationStatus.Running,
                Attempts = invocation.Attempts + 1,
                StartedAt = now,
                CompletedAt = null,
                DeadlineAt = now.AddMilliseconds(invocation.TimeoutMs),
                UpdatedAt = now,
            },
            "invocation.started", null);
    }

    /// <summary>Ends what does not run; asks for the end of what does.</summary>
    public static InvocationStep Cancel(Invocation invocation, string? reason, DateTimeOffset now)
    {
        if (invocation.CancelRequestedAt is not null)
        {
            return Refused(InvocationRefusals.NotCancelable);
        }

        var asked = invocation with
        {
            CancelRequestedAt = now,
            ErrorJson = reason is null ? invocation.ErrorJson : WithMember(invocation.ErrorJson, "cancel_reason", reason),
            UpdatedAt = now,
        };
        return invocation.Status == InvocationStatus.Running
            ? new InvocationStep(asked with { Status = InvocationStatus.CancelRequested }, "invocation.cancel_requested", null)
            : MayBegin(invocation)
                ? new InvocationStep(asked with { Status = InvocationStatus.Canceled, CompletedAt = now }, "invocation.cancel_requested", null)
                : Refused(InvocationRefusals.NotCancelable);
    }

    /// <summary>The running attempt is over.</summary>
    /// <param name="invocation">The row.</param>
    /// <param name="status"><c>succeeded</c> or <c>failed</c>.</param>
    /// <param name="errorJson">What went wrong, as JSON; null leaves what is known.</param>
    /// <param name="metadataJson">An object whose members replace those of the row; null changes none.</param>
    /// <param name="now">Database time.</param>
    public static InvocationStep Complete(Invocation invocation, string status, string? errorJson, string? metadataJson, DateTimeOffset now) =>
        invocation.Status is InvocationStatus.Running or InvocationStatus.CancelRequested
            ? new InvocationStep(
                invocation with
                {
                    Status = status,
                    ErrorJson = errorJson ?? invocation.ErrorJson,
                    MetadataJson = metadataJson is null ? invocation.MetadataJson : JsonMembers.Merge(invocation.MetadataJson, metadataJson),
                    DeadlineAt = null,
                    CompletedAt = now,
                    UpdatedAt = now,
                },
                $"invocation.{status}", null)
            : Refused(InvocationRefusals.NotCompletable);

    /// <summary>What time does to it: an attempt past its deadline, an invocation nobody started. Refused when nothing is due.</summary>
    public static InvocationStep Overdue(Invocation invocation, DateTimeOffset now) => invocation switch
    {
        { Status: InvocationStatus.Running or InvocationStatus.CancelRequested, DeadlineAt: { } deadline } when deadline <= now =>
            Ended(invocation, MayRetry(invocation) ? InvocationStatus.Failed : InvocationStatus.TimedOut, "deadline_exceeded", now),
        { Status: InvocationStatus.Pending } when invocation.CreatedAt + InvocationLimits.PendingFor <= now =>
            Ended(invocation, InvocationStatus.TimedOut, "never_started", now),
        _ => default,
    };

    /// <summary>The stored retry policy.</summary>
    public static string RetryPolicy(int maximumAttempts, int backoffMs) => $"{{\"max_attempts\":{maximumAttempts},\"backoff_ms\":{backoffMs}}}";

    private static InvocationStep Ended(Invocation invocation, string status, string reason, DateTimeOffset now) => new(
        invocation with
        {
            Status = status,
            ErrorJson = WithMember(invocation.ErrorJson, "reason", reason),
            DeadlineAt = null,
            CompletedAt = now,
            UpdatedAt = now,
        },
        $"invocation.{status}", null);

    private static bool MayBegin(Invocation invocation) =>
        invocation.Status == InvocationStatus.Pending || (invocation.Status == InvocationStatus.Failed && MayRetry(invocation));

    private static bool MayRetry(Invocation invocation) =>
        invocation.Attempts < invocation.MaxAttempts && invocation.CancelRequestedAt is null;

    private static TimeSpan Backoff(Invocation invocation)
    {
        using var policy = JsonDocument.Parse(invocation.RetryPolicyJson);
        return policy.RootElement.TryGetProperty("backoff_ms", out var backoff) && backoff.TryGetInt32(out var milliseconds)
            ? TimeSpan.FromMilliseconds(milliseconds)
            : TimeSpan.Zero;
    }

    // An error may be any JSON value; only an object can take a member beside what it holds.
    private static string WithMember(string? json, string name, string value)
    {
        var member = $"{{{JsonSerializer.Serialize(name)}:{JsonSerializer.Serialize(value)}}}";
        return json is not null && json.AsSpan().TrimStart().StartsWith("{") ? JsonMembers.Merge(json, member) : member;
    }

    private static InvocationStep Refused(Refusal refusal) => new(null, "", refusal);
}
