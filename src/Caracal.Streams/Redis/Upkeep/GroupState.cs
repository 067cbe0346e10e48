using Caracal.Streams.InProcess;

namespace Caracal.Streams.Redis.Upkeep;

/// <summary>Where a group stands in its topic.</summary>
/// <param name="Name">The group.</param>
/// <param name="LastDeliveredId">The newest message it was given.</param>
/// <param name="Pending">Messages it was given and has not acknowledged.</param>
/// <param name="OldestWaitingId">The oldest message that it was not given or has not acknowledged; null when it is done with all.</param>
/// <param name="Idle">How long none of its consumers has asked for anything; null when it has no consumer.</param>
public sealed record GroupState(string Name, string LastDeliveredId, long Pending, string? OldestWaitingId, TimeSpan? Idle)
{
    /// <summary>Messages it was not given yet; null when Redis cannot tell, because messages between them were deleted.</summary>
    public long? Undelivered { get; init; }

    /// <summary>How old the oldest waiting message is: <c>caracal_stream_lag_seconds</c>.</summary>
    public TimeSpan Lag(DateTimeOffset now) => OldestWaitingId is { } id ? EntryId.Parse(id).Age(now) : TimeSpan.Zero;

    /// <summary>True when somebody reads it: only then does it hold back trimming or count as lag (operations.md 8).</summary>
    public bool IsRead(TimeSpan readerLife) => Idle is { } idle && idle <= readerLife;
}
