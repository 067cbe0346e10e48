namespace Caracal.Storage.Outbox;

/// <summary>The relay's side of <c>event_outbox</c> (api.md 12.2, streams.md 8.1).</summary>
/// <param name="database">The store.</param>
/// <param name="worker">Who claims: host and process.</param>
/// <param name="settings">Batch, lock and attempt limits.</param>
public sealed class EventOutboxQueue(Database database, string worker, OutboxSettings settings) : OutboxQueue(database, settings, worker)
{
    private const string IsDue = "dispatched_at IS NULL AND available_at <= @now";
    private const string IsFree = "(locked_until IS NULL OR locked_until < @now)";

    public override string Channel => EventOutbox.Channel;

    private protected override OutboxStatements Statements { get; } = In(database.Dialect);

    private protected override TimeSpan Delay(long attempts)
    {
        var seconds = Math.Min(60, Math.Pow(2, Math.Min(attempts, 6)));
        return TimeSpan.FromSeconds(Math.Floor(seconds * (1 + (Random.Shared.NextDouble() * 0.3))));
    }

    private static OutboxStatements In(ISqlDialect dialect) => new()
    {
        Look = $"SELECT count(*) FROM (SELECT 1 FROM event_outbox WHERE {IsDue} LIMIT 1) AS due",
        Due = $"""
               SELECT * FROM (
                   SELECT id, stream_name, NULL, payload_json, attempts + 1 FROM event_outbox
                   WHERE {IsDue} AND {IsFree} ORDER BY available_at, id LIMIT @batch) AS due
               ORDER BY id
               """,
        Claim = $"""
                 UPDATE event_outbox SET attempts = attempts + 1, locked_until = @until, locked_by = @worker
                 WHERE id IN (SELECT id FROM event_outbox WHERE {IsDue} AND {IsFree}
                              ORDER BY available_at, id LIMIT @batch {dialect.ForUpdateSkipLocked})
                 RETURNING id, stream_name, NULL, payload_json, attempts
                 """,
        Mark = $"""
                UPDATE event_outbox SET dispatched_at = @now, locked_until = NULL, last_error = NULL
                WHERE {dialect.AnyOfBound("id", "@ids")} AND dispatched_at IS NULL
                """,
        PutOff = Failed("@next"),
        Park = Failed(dialect.Infinity),
    };

    private static string Failed(string available) =>
        $"UPDATE event_outbox SET available_at = {available}, locked_until = NULL, last_error = @error, attempts = attempts + @more WHERE id = @Id";
}
