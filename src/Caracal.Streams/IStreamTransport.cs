namespace Caracal.Streams;

/// <summary>
/// Append-only topics with consumer groups: in-process queues in one process, Redis Streams between processes. The
/// messages and their signatures are the same in both. Every member throws <see cref="StreamsUnavailableException"/>
/// when the transport cannot be reached.
/// </summary>
public interface IStreamTransport
{
    /// <summary>Appends a message and returns its id. <paramref name="maximumLength"/> trims the topic approximately; null never trims, but what every group is done with may go.</summary>
    Task<string> AppendAsync(
        string topic, IReadOnlyList<KeyValuePair<string, string>> fields, long? maximumLength, CancellationToken cancellationToken);

    /// <summary>
    /// Completes when the message can no longer be lost by a crash of this process: at once where the stream is durable,
    /// after every shared group has acknowledged it where the stream lives in memory.
    /// </summary>
    Task SettledAsync(string topic, string id, CancellationToken cancellationToken);

    /// <summary>Creates the group unless it exists. A shared group divides work between instances; any other belongs to one instance.</summary>
    Task EnsureGroupAsync(string topic, string group, bool fromBeginning, bool shared, CancellationToken cancellationToken);

    /// <summary>New messages of the topics for this group, at most <paramref name="count"/>; empty after <paramref name="block"/>.</summary>
    Task<IReadOnlyList<StreamEntry>> ReadAsync(
        IReadOnlyList<string> topics, string group, string consumer, int count, TimeSpan block, CancellationToken cancellationToken);

    /// <summary>Takes over messages that were delivered at least <paramref name="idle"/> ago and never acknowledged.</summary>
    Task<IReadOnlyList<StreamEntry>> ClaimAsync(
        string topic, string group, string consumer, TimeSpan idle, int count, CancellationToken cancellationToken);

    /// <summary>Says that the group is done with the message.</summary>
    Task AcknowledgeAsync(string topic, string group, string id, CancellationToken cancellationToken);

    /// <summary>Messages from <paramref name="afterId"/> on (null: from the start), oldest first; for dead-letter listings.</summary>
    Task<IReadOnlyList<StreamEntry>> RangeAsync(string topic, string? afterId, int count, CancellationToken cancellationToken);

    /// <summary>Removes one message.</summary>
    Task DeleteAsync(string topic, string id, CancellationToken cancellationToken);

    /// <summary>How many messages the topic holds.</summary>
    Task<long> LengthAsync(string topic, CancellationToken cancellationToken);

    /// <summary>What the group still has to do; all of the topic while there is no such group.</summary>
    Task<GroupBacklog> BacklogAsync(string topic, string group, CancellationToken cancellationToken);

    /// <summary>Removes a group whose instance ends.</summary>
    Task RemoveGroupAsync(string topic, string group, CancellationToken cancellationToken);
}
