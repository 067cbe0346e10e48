using Dapper;

namespace Caracal.Storage.Outbox;

/// <summary>The relay's side of <c>caracal_outbox</c> (coordinator.md 12, streams.md 8.2).</summary>
/// <param name="database">The store.</param>
/// <param name="settings">Batch and attempt limits.</param>
public sealed class CoordinatorOutboxQueue(Database database, OutboxSettings settings) : IOutboxQueue
{
    private readonly List<string> _unmarked = [];

    public string Channel => CoordinatorOutbox.Channel;

    public TimeSpan PollInterval => settings.PollInterval;

    public async Task<IReadOnlyList<OutboxMessage>> ClaimAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (_unmarked.Count > 0)
        {
            await MarkAsync(now, cancellationToken);
        }

        // Looking is cheap, writing is not: an idle relay must not keep the writer busy, and the only relay of its store
        // has nobody to claim a row from.
        if (database.Dialect.HasOneWriter)
        {
            return await DueAsync(now, cancellationToken);
        }

        var due = await database.ReadAsync(
            c => c.ExecuteScalarAsync<long>(
                "SELECT count(*) FROM (SELECT 1 FROM caracal_outbox WHERE status = 'pending' AND available_at <= @now LIMIT 1) AS due",
                new { now }),
            cancellationToken);
        return due == 0 ? [] : await ClaimDueAsync(now, cancellationToken);
    }

    public Task PublishedAsync(IReadOnlyList<string> ids, DateTimeOffset now, CancellationToken cancellationToken)
    {
        _unmarked.AddRange(ids);
        return MarkAsync(now, cancellationToken);
    }

    public async Task<bool> FailedAsync(
        OutboxMessage message, string error, bool countAttempt, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var dead = countAttempt && message.Attempts >= settings.MaximumAttempts && !OutboxPolicy.NeverDies(message.Topic);
        var next = now + TimeSpan.FromSeconds(Math.Min(message.Attempts, 60) + Random.Shared.NextDouble());
        var counted = database.Dialect.HasOneWriter ? 0 : 1; // A claim counted it already. Another worker may have claimed it since.
        await database.WriteAsync(
            WriteKind.Bookkeeping,
            work => work.Connection.ExecuteAsync(
                "UPDATE caracal_outbox SET status = @status, available_at = @next, updated_at = @now, attempts = attempts + @more WHERE id = @Id",
                new { message.Id, status = dead ? "dead" : "pending", next, now, more = (countAttempt ? 1 : 0) - counted }),
            cancellationToken);
        return dead;
    }

    private async Task<IReadOnlyList<OutboxMessage>> DueAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var rows = await database.ReadAsync(
            c => c.QueryAsync<(string Id, string Topic, string DedupeKey, string Payload, long Attempts)>(
                """
                SELECT id, topic, dedupe_key, payload_json, attempts + 1 FROM caracal_outbox
                WHERE status = 'pending' AND available_at <= @now ORDER BY available_at, id LIMIT @batch
                """,
                new { now, batch = settings.BatchSize }),
            cancellationToken);
        return [.. rows.Select(r => new OutboxMessage(r.Id, r.Topic, r.DedupeKey, r.Payload, r.Attempts))];
    }

    private Task<IReadOnlyList<OutboxMessage>> ClaimDueAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<OutboxMessage>>(
            WriteKind.Bookkeeping,
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

    // What is published stays in mind until its row says so: a store that takes no mark for a while must not make the same
    // messages go out again and again. The end of the process in between makes them go out once more, and so does a power cut that
    // undoes the mark: readers know a message by its id.
    private async Task MarkAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        string[] ids = [.. _unmarked];
        await database.WriteAsync(
            WriteKind.Issue,
            work => work.Connection.ExecuteAsync(
                $"""
                 UPDATE caracal_outbox SET status = 'published', published_at = @now, updated_at = @now
                 WHERE {work.Dialect.AnyOfBound("id", "@ids")} AND status = 'pending'
                 """,
                new { ids = work.Dialect.ListValue(ids), now }),
            cancellationToken);
        _unmarked.Clear();
    }
}
