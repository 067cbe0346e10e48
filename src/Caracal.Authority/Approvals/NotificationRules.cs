namespace Caracal.Authority.Approvals;

/// <summary>What sinks may hear of, and when a delivery that failed is tried again (api.md 11.7).</summary>
public static class NotificationRules
{
    /// <summary>Attempts before a delivery is abandoned.</summary>
    public const int MaximumAttempts = 8;

    private const int FirstDelay = 30;
    private const int LongestDelay = 900;

    /// <summary>The events a sink can name; all when it names none.</summary>
    public static IReadOnlyList<string> EventTypes { get; } = ["step_up_issued", "step_up_decided", "step_up_consumed"];

    /// <summary>How long to wait after a failed attempt; null means never again.</summary>
    /// <param name="attempts">Attempts so far, the failed one included.</param>
    /// <param name="jitter">0 to 1: up to a third more, so that sinks do not come back in step.</param>
    public static TimeSpan? RetryAfter(long attempts, double jitter)
    {
        if (attempts >= MaximumAttempts) return null;
        var seconds = Math.Min(LongestDelay, FirstDelay * Math.Pow(2, Math.Max(0, attempts - 1)));
        return TimeSpan.FromSeconds(Math.Floor(seconds * (1 + (0.3 * Math.Clamp(jitter, 0, 1)))));
    }
}
