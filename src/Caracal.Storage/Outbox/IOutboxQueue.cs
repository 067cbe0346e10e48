namespace Caracal.Storage.Outbox;

/// <summary>What a relay needs of an outbox table, so that one relay serves both.</summary>
public interface IOutboxQueue
{
    /// <summary>The notification channel on which enqueued rows announce themselves.</summary>
    string Channel { get; }

    /// <summary>How long to wait between looks when nothing announces itself.</summary>
    TimeSpan PollInterval { get; }

    /// <summary>Claims due rows, oldest first.</summary>
    Task<IReadOnlyList<OutboxMessage>> ClaimAsync(DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Marks rows as published.</summary>
    Task PublishedAsync(IReadOnlyList<string> ids, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>
    /// Schedules the next try, or parks the row as dead. <paramref name="countAttempt"/> is false when the transport was
    /// unreachable, which is nobody's failed attempt (streams.md 8). True when the row is dead now.
    /// </summary>
    Task<bool> FailedAsync(OutboxMessage message, string error, bool countAttempt, DateTimeOffset now, CancellationToken cancellationToken);
}
