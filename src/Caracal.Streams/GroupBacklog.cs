using Caracal.Streams.InProcess;

namespace Caracal.Streams;

/// <summary>What a group still has to do of a topic. What it has acknowledged does not count, though it stays in the topic until it is trimmed.</summary>
/// <param name="Undelivered">Messages that it was not given yet.</param>
/// <param name="Pending">Messages it was given and has not acknowledged.</param>
/// <param name="OldestWaitingId">The oldest of both; null when it is done with all.</param>
public sealed record GroupBacklog(long Undelivered, long Pending, string? OldestWaitingId)
{
    /// <summary>All messages that wait.</summary>
    public long Waiting => Undelivered + Pending;

    /// <summary>How long the oldest message has waited; zero when none does.</summary>
    public TimeSpan OldestAge(DateTimeOffset now) => OldestWaitingId is { } id ? EntryId.Parse(id).Age(now) : TimeSpan.Zero;
}
