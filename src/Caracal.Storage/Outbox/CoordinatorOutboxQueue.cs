namespace Caracal.Storage.Outbox;

/// <summary>The relay's side of <c>caracal_outbox</c> (coordinator.md 12, streams.md 8.2).</summary>
/// <param name="database">The store.</param>
/// <param name="settings">Batch, lock and attempt limits.</param>
public sealed class CoordinatorOutboxQueue(Database database, OutboxSettings settings) : OutboxQueue(database, settings)
{
    private const string IsDue = "status = 'pending' AND available_at <= @now";

    public override string Channel => CoordinatorOutbox.Channel;

    private protected override OutboxStatements Statements { get; } = In(database.Dialect);

    private protected override TimeSpan Delay(long attempts) => TimeSpan.FromSeconds(Math.Min(attempts, 60) + Random.Shared.NextDouble());

    private static OutboxStatements In(ISqlDialect dialect) => new()
    {
        Look = $"SELECT count(*) FROM (SELECT 1 FROM caracal_outbox WHERE {IsDue} LIMIT 1) AS due",
        Due = $"""
               SELECT id, topic, dedupe_key, payload_json, attempts + 1 FROM caracal_outbox
               WHERE {IsDue} ORDER BY available_at, id LIMIT @batch
               """,
        Claim = $"""
                 UPDATE caracal_outbox SET attempts = attempts + 1, available_at = @until, updated_at = @now
                 WHERE id IN (SELECT id FROM caracal_outbox WHERE {IsDue} ORDER BY available_at, id LIMIT @batch {dialect.ForUpdateSkipLocked})
                 RETURNING id, topic, dedupe_key, payload_json, attempts
                 """,
        Mark = $"""
                UPDATE caracal_outbox SET status = 'published', published_at = @now, updated_at = @now
                WHERE {dialect.AnyOfBound("id", "@ids")} AND status = 'pending'
                """,
        PutOff = Failed("pending"),
        Park = Failed("dead"),
    };

    private static string Failed(string status) =>
        $"UPDATE caracal_outbox SET status = '{status}', available_at = @next, updated_at = @now, attempts = attempts + @more WHERE id = @Id";
}
