namespace Caracal.Authority.Invocations;

/// <summary>One call to a registered agent service, carried out in one or more attempts (coordinator.md 9).</summary>
public sealed record Invocation
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string ServiceId { get; init; } = "";
    public string? SourceSessionId { get; init; }
    public string? TargetSessionId { get; init; }
    public string Method { get; init; } = "";
    public string ParamsJson { get; init; } = "{}";
    public string MetadataJson { get; init; } = "{}";
    public string Status { get; init; } = InvocationStatus.Pending;
    public int Attempts { get; init; }
    public int MaxAttempts { get; init; }
    public int TimeoutMs { get; init; }
    public string RetryPolicyJson { get; init; } = "{}";
    public string? ErrorJson { get; init; }

    /// <summary>When the running attempt is given up.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }
    public DateTimeOffset? CancelRequestedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>End of the last attempt; null while one runs.</summary>
    public DateTimeOffset? CompletedAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The service's application, joined in when read.</summary>
    public string ServiceApplicationId { get; init; } = "";

    /// <summary>The application of the source Session, joined in when read.</summary>
    public string? SourceApplicationId { get; init; }

    /// <summary>The application of the target Session, joined in when read.</summary>
    public string? TargetApplicationId { get; init; }
}

/// <summary>The states of an invocation; <c>dead</c> is reserved.</summary>
public static class InvocationStatus
{
    public const string Pending = "pending";
    public const string Running = "running";
    public const string CancelRequested = "cancel_requested";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";
    public const string Canceled = "canceled";
    public const string TimedOut = "timed_out";
    public const string Dead = "dead";

    public static bool IsKnown(string status) =>
        status is Pending or Running or CancelRequested or Succeeded or Failed or Canceled or TimedOut or Dead;
}

/// <summary>The fixed limits of coordinator.md 9.</summary>
public static class InvocationLimits
{
    public const int MaximumTimeoutMs = 900_000;
    public const int DefaultTimeoutMs = 30_000;
    public const int MaximumAttempts = 10;
    public const int DefaultAttempts = 3;
    public const int MaximumBackoffMs = 300_000;
    public const int DefaultBackoffMs = 1_000;
    public const int MaximumMethodLength = 256;

    /// <summary>An invocation that nobody starts is given up after a day; v1.0 kept it forever (coordinator.md 19.10).</summary>
    public static readonly TimeSpan PendingFor = TimeSpan.FromHours(24);
}
