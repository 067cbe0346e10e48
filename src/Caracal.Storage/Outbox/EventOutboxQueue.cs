using Caracal.Protocol;
using Dapper;

namespace Caracal.Storage.Outbox;

/// <summary>The relay's side of <c>event_outbox</c> (api.md 12.2, streams.md 8.1).</summary>
/// <param name="database">The store.</param>
/// <param name="worker">Who claims: host and process.</param>
/// <param name="settings">Batch, lock and attempt limits.</param>
public sealed class EventOutboxQueue(Database database, string worker, OutboxSettings settings) : IOutboxQueue
{
    private readonly List<string> _unmarked = [];

    public string Channel => EventOutbox.Channel;

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
                "SELECT count(*) FROM (SELECT 1 FROM event_outbox WHERE dispatched_at IS NULL AND available_at <= @now LIMIT 1) AS due",
                new { now }),
            cancellationToken);
        return due == 0 ? [] : await ClaimDueAsync(now, cancellationToken);
    }

    private async Task<IReadOnlyList<OutboxMessage>> DueAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var rows = await database.ReadAsync(
            c => c.QueryAsync<(string Id, string Topic, string Payload, long Attempts)>(
                """
                SELECT id, stream_name, payload_json, attempts + 1 FROM event_outbox
                WHERE dispatched_at IS NULL AND available_at <= @now AND (locked_until IS NULL OR locked_until < @now)
                ORDER BY available_at, id LIMIT @batch
                """,
                new { now, batch = settings.BatchSize }),
            cancellationToken);
        return [.. rows.OrderBy(r => r.Id, StringComparer.Ordinal).Select(r => new OutboxMessage(r.Id, r.Topic, null, r.Payload, r.Attempts))];
    }

    private Task<IReadOnlyList<OutboxMessage>> ClaimDueAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<OutboxMessage>>(
            WriteKind.Bookkeeping,
            async work =>
            {
                var rows = await work.Connection.QueryAsync<(string Id, string Topic, string Payload, long Attempts)>(
                    $"""
                     UPDATE event_outbox SET attempts = attempts + 1, locked_until = @until, locked_by = @worker
                     WHERE id IN (SELECT id FROM event_outbox
                                  WHERE dispatched_at IS NULL AND available_at <= @now
                                    AND (locked_until IS NULL OR locked_until < @now)
                                  ORDER BY available_at, id LIMIT @batch {work.Dialect.ForUpdateSkipLocked})
                     RETURNING id, stream_name, payload_json, attempts
                     """,
                    new { now, until = now + settings.LockTime, worker, batch = settings.BatchSize });
                return [.. rows.OrderBy(r => r.Id, StringComparer.Ordinal)
                    .Select(r => new OutboxMessage(r.Id, r.Topic, null, r.Payload, r.Attempts))];
            },
            cancellationToken);

    public Task PublishedAsync(IReadOnlyList<string> ids, DateTimeOffset now, CancellationToken cancellationToken)
    {
        _unmarked.AddRange(ids);
        return MarkAsync(now, cancellationToken);
    }

    public async Task<bool> FailedAsync(
        OutboxMessage message, string error, bool countAttempt, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var dead = countAttempt && message.Attempts >= settings.MaximumAttempts && !OutboxPolicy.NeverDies(message.Topic);
        var seconds = Math.Min(60, Math.Pow(2, Math.Min(message.Attempts, 6)));
        var next = now + TimeSpan.FromSeconds(Math.Floor(seconds * (1 + (Random.Shared.NextDouble() * 0.3))));
        var counted = database.Dialect.HasOneWriter ? 0 : 1; // A claim counted it already. Another worker may have claimed it since.
        await database.WriteAsync(
            WriteKind.Bookkeeping,
            work => work.Connection.ExecuteAsync(
                $"""
                 UPDATE event_outbox SET available_at = {(dead ? work.Dialect.Infinity : "@next")}, locked_until = NULL,
                     last_error = @error, attempts = attempts + @more WHERE id = @Id
                 """,
                new { message.Id, next, error = error[..Math.Min(error.Length, 500)], more = (countAttempt ? 1 : 0) - counted }),
            cancellationToken);
        return dead;
    }

    // What is published stays in mind until its row says so, as in CoordinatorOutboxQueue. A mark that a power cut undoes makes the
    // message go out once more, as the end of the process in between would: readers know it by its id.
    private async Task MarkAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        string[] ids = [.. _unmarked];
        await database.WriteAsync(
            WriteKind.Issue,
            work => work.Connection.ExecuteAsync(
                $"""
                 UPDATE event_outbox SET dispatched_at = @now, locked_until = NULL, last_error = NULL
                 WHERE {work.Dialect.AnyOfBound("id", "@ids")} AND dispatched_at IS NULL
                 """,
                new { ids = work.Dialect.ListValue(ids), now }),
            cancellationToken);
        _unmarked.Clear();
    }
}
