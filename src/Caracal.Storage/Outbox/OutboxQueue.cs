using System.Data.Common;
using Caracal.Protocol;
using Dapper;

namespace Caracal.Storage.Outbox;

/// <summary>
/// The relay's side of an outbox table (streams.md 8). The course is written here for every table; a table brings its
/// statements and how long a row that failed waits.
/// </summary>
/// <param name="database">The store.</param>
/// <param name="settings">Batch, lock and attempt limits.</param>
/// <param name="worker">Who claims, where the table's rows say it.</param>
public abstract class OutboxQueue(Database database, OutboxSettings settings, string? worker = null)
{
    private const int LongestError = 500;

    private readonly List<string> _unmarked = [];

    /// <summary>The notification channel on which enqueued rows announce themselves.</summary>
    public abstract string Channel { get; }

    /// <summary>How long to wait between looks when nothing announces itself.</summary>
    public TimeSpan PollInterval => settings.PollInterval;

    private protected abstract OutboxStatements Statements { get; }

    /// <summary>Claims due rows, oldest first.</summary>
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

        var due = await database.ReadSettledAsync(c => c.ExecuteScalarAsync<long>(Statements.Look, new { now }), cancellationToken);
        return due == 0 ? [] : await ClaimDueAsync(now, cancellationToken);
    }

    /// <summary>Marks rows as published.</summary>
    public Task PublishedAsync(IReadOnlyList<string> ids, DateTimeOffset now, CancellationToken cancellationToken)
    {
        _unmarked.AddRange(ids);
        return MarkAsync(now, cancellationToken);
    }

    /// <summary>
    /// Schedules the next try, or parks the row as dead. <paramref name="countAttempt"/> is false when the transport was
    /// unreachable, which is nobody's failed attempt (streams.md 8). True when the row is dead now.
    /// </summary>
    public async Task<bool> FailedAsync(
        OutboxMessage message, string error, bool countAttempt, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var dead = countAttempt && message.Attempts >= settings.MaximumAttempts && !NeverDies(message.Topic);

        // A claim has counted this attempt already, where rows are claimed; there, another worker may have claimed the row since.
        var counted = database.Dialect.HasOneWriter ? 0 : 1;
        await database.WriteAsync(
            WriteKind.Bookkeeping,
            work => work.Connection.ExecuteAsync(
                dead ? Statements.Park : Statements.PutOff,
                new
                {
                    message.Id,
                    now,
                    next = now + Delay(message.Attempts),
                    error = error[..Math.Min(error.Length, LongestError)],
                    more = (countAttempt ? 1 : 0) - counted,
                }),
            cancellationToken);
        return dead;
    }

    /// <summary>How long a row waits that failed so often.</summary>
    private protected abstract TimeSpan Delay(long attempts);

    // Revocations are retried for ever: parking one would leave ended authority alive somewhere.
    private static bool NeverDies(string topic) => topic is Topics.SessionsRevoke or Topics.DelegationsInvalidate;

    private Task<IReadOnlyList<OutboxMessage>> DueAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        database.ReadSettledAsync(c => QueryAsync(c, Statements.Due, new { now, batch = settings.BatchSize }), cancellationToken);

    private Task<IReadOnlyList<OutboxMessage>> ClaimDueAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<OutboxMessage>>(
            WriteKind.Bookkeeping,
            async work =>
            {
                // A claim hides the row for the lock time, so that a relay that dies leaves it to the next one.
                var claimed = await QueryAsync(
                    work.Connection, Statements.Claim, new { now, until = now + settings.LockTime, worker, batch = settings.BatchSize });
                return [.. claimed.OrderBy(message => message.Id, StringComparer.Ordinal)];
            },
            cancellationToken);

    private static async Task<IReadOnlyList<OutboxMessage>> QueryAsync(DbConnection connection, string statement, object parameters)
    {
        var rows = await connection.QueryAsync<(string Id, string Topic, string? DedupeKey, string Payload, long Attempts)>(statement, parameters);
        return [.. rows.Select(row => new OutboxMessage(row.Id, row.Topic, row.DedupeKey, row.Payload, row.Attempts))];
    }

    // What is published stays in mind until its row says so: a store that takes no mark for a while must not make the same
    // messages go out again and again. The end of the process in between makes them go out once more, and so does a power cut that
    // undoes the mark: readers know a message by its id.
    private async Task MarkAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        string[] ids = [.. _unmarked];
        await database.WriteAsync(
            WriteKind.Issue,
            work => work.Connection.ExecuteAsync(Statements.Mark, new { ids = work.Dialect.ListValue(ids), now }),
            cancellationToken);
        _unmarked.Clear();
    }
}
