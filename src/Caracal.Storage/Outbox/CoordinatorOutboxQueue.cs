using Dapper;

namespace Caracal.Storage.Outbox;

/// <summary>The relay's side of <c>caracal_outbox</c> (coordinator.md 12, streams.md 8.2).</summary>
/// <param name="database">The store.</param>
/// <param name="settings">Batch and attempt limits.</param>
public sealed class CoordinatorOutboxQueue(Database database, OutboxSettings settings) : IOutboxQueue
{
    public string Channel => CoordinatorOutbox.Channel;

    public TimeSpan PollInterval => settings.PollInterval;

    public async Task<IReadOnlyList<OutboxMessage>> ClaimAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Looking is cheap, writing is not: an idle relay must not keep the writer busy.
        var due = await database.ReadAsync(
            c => c.ExecuteScalarAsync<long>(
                "SELECT count(*) FROM (SELECT 1 FROM caracal_outbox WHERE status = 'pending' AND available_at <= @now LIMIT 1) AS due",
                new { now }),
            cancellationToken);
        return due == 0 ? [] : await ClaimDueAsync(now, cancellationToken);
    }

    private Task<IReadOnlyList<OutboxMessage>> ClaimDueAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<OutboxMessage>>(
            async work =>
            {
                // A claim hides the row for the lock time, so that a relay that dies leaves it to the next one.
                var rows = await work.Connection.QueryAsync<(string Id, string Topic, string DedupeKey, string Payload, long Attempts)>(
                    $"""
                     UPDATE caracal_outbox SET attempts = attempts + 1, available_at = @until, updated_at = @now
                     WHERE id IN (SELECT id FROM caracal_outbox WHERE status = 'pending' AND available_at <= @now
                                  ORDER BY available_at, id LIMIT @batch {work.Dialect.ForUpdateSkipLocked})
                     RETURNING id, topic, dedupe_key, payload_json, attempts
                     """,
                    new { now, until = now + settings.LockTime, batch = settings.BatchSize });
                return [.. rows.OrderBy(r => r.Id, StringComparer.Ordinal)
                    .Select(r => new OutboxMessage(r.Id, r.Topic, r.DedupeKey, r.Payload, r.Attempts))];
            },
            cancellationToken);

    public Task PublishedAsync(IReadOnlyList<string> ids, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            work => work.Connection.ExecuteAsync(
                $"UPDATE caracal_outbox SET status = 'published', published_at = @now, updated_at = @now WHERE {work.Dialect.AnyOfBound("id", "@ids")}",
                new { ids = work.Dialect.ListValue(ids), now }),
            cancellationToken);

    public Task FailedAsync(
        OutboxMessage message, string error, bool countAttempt, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var dead = countAttempt && message.Attempts >= settings.MaximumAttempts && !OutboxPolicy.NeverDies(message.Topic);
        var next = now + TimeSpan.FromSeconds(Math.Min(message.Attempts, 60) + Random.Shared.NextDouble());
        return database.WriteAsync(
            work => work.Connection.ExecuteAsync(
                """
                UPDATE caracal_outbox SET status = @status, available_at = @next, updated_at = @now,
                    attempts = attempts - @uncounted WHERE id = @id
                """,
                new { message.Id, status = dead ? "dead" : "pending", next, now, uncounted = countAttempt ? 0 : 1 }),
            cancellationToken);
    }
}
