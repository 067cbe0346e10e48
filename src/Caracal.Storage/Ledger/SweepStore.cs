using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>How far a full sweep of one zone is.</summary>
/// <param name="ZoneId">The zone.</param>
/// <param name="ChainSeq">The last row that was walked.</param>
/// <param name="ContentSha256">Its content hash.</param>
/// <param name="Frontier">The tree's right edge there (<c>TreeFrontier.Export</c>); empty when it is not known.</param>
/// <param name="SweepId">The sweep, and the MAC that binds all of this to it.</param>
public sealed record SweepPosition(string ZoneId, long ChainSeq, string ContentSha256, string Frontier, string SweepId);

/// <summary>Something the service found and told: tampering, or an event that came again with other content.</summary>
public sealed record LedgerAlert
{
    public required string Id { get; init; }

    /// <summary>The row; empty when it is missing.</summary>
    public required string EventId { get; init; }
    public required string ZoneId { get; init; }

    /// <summary><c>content_mismatch_on_replay</c>, or a word of the sweep.</summary>
    public required string Kind { get; init; }
    public required string Detail { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When a person answered for it; null while it is open, and then no month of its zone is removed.</summary>
    public DateTimeOffset? ClosedAt { get; init; }
    public string? ClosedBy { get; init; }

    /// <summary>What they found.</summary>
    public string? Reason { get; init; }
}

/// <summary>Where sweeps keep their place, and what they found.</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class SweepStore(Database database)
{
    private const string AlertColumns = "id, event_id, zone_id, kind, detail, created_at";
    private const string Alerts =
        "SELECT id, event_id, zone_id, kind, detail, created_at, closed_at, closed_by, reason FROM audit_ingest_alerts LEFT JOIN audit_alert_closures ON alert_id = id";

    public Task<IReadOnlyList<SweepPosition>> PositionsAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<SweepPosition>>(
        async connection => [.. await connection.QueryAsync<SweepPosition>("SELECT zone_id, chain_seq, content_sha256, frontier, sweep_id FROM audit_sweep_progress ORDER BY zone_id")],
        cancellationToken);

    /// <summary>Keeps findings, each once however often it is found, and then the position that makes them the past.</summary>
    public Task KeepAsync(IReadOnlyList<LedgerAlert> alerts, SweepPosition? position, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteAsync(
        WriteKind.Bookkeeping,
        async work =>
        {
            foreach (var alert in alerts)
            {
                await work.Connection.ExecuteAsync(
                    $"INSERT INTO audit_ingest_alerts ({AlertColumns}) VALUES (@Id, @EventId, @ZoneId, @Kind, @Detail, @CreatedAt) ON CONFLICT (id) DO NOTHING", alert);
            }

            if (position is not null)
            {
                await work.Connection.ExecuteAsync(
                    """
                    INSERT INTO audit_sweep_progress (zone_id, chain_seq, content_sha256, frontier, sweep_id, updated_at)
                    VALUES (@ZoneId, @ChainSeq, @ContentSha256, @Frontier, @SweepId, @now)
                    ON CONFLICT (zone_id) DO UPDATE SET chain_seq = excluded.chain_seq, content_sha256 = excluded.content_sha256,
                        frontier = excluded.frontier, sweep_id = excluded.sweep_id, updated_at = excluded.updated_at
                    """,
                    new { position.ZoneId, position.ChainSeq, position.ContentSha256, position.Frontier, position.SweepId, now });
            }

            return 0;
        },
        cancellationToken);

    /// <summary>The sweep is over: the next one begins at the beginning.</summary>
    public Task ForgetAsync(CancellationToken cancellationToken) => database.WriteAsync(
        WriteKind.Bookkeeping, work => work.Connection.ExecuteAsync("DELETE FROM audit_sweep_progress"), cancellationToken);

    /// <summary>Alerts, newest first.</summary>
    public Task<IReadOnlyList<LedgerAlert>> AlertsAsync(string? zoneId, int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<LedgerAlert>>(
        async connection =>
        [
            .. await connection.QueryAsync<LedgerAlert>(
                $"{Alerts} {(zoneId is null ? "" : "WHERE zone_id = @zoneId")} ORDER BY created_at DESC, id LIMIT @limit",
                new { zoneId, limit }),
        ],
        cancellationToken);

    /// <summary>A person answers for a finding; false when there is none of this id, or somebody has.</summary>
    public Task<bool> CloseAsync(string alertId, string closedBy, string reason, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteAsync(
        WriteKind.Bookkeeping,
        async work => await work.Connection.ExecuteAsync(
            """
            INSERT INTO audit_alert_closures (alert_id, closed_at, closed_by, reason)
            SELECT id, @now, @closedBy, @reason FROM audit_ingest_alerts WHERE id = @alertId ON CONFLICT DO NOTHING
            """,
            new { alertId, closedBy, reason, now }) == 1,
        cancellationToken);

    /// <summary>Rows that the ledger says it has, over all zones.</summary>
    public Task<long> RowsAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async connection => await connection.ExecuteScalarAsync<long?>("SELECT CAST(sum(chain_seq) AS bigint) FROM audit_chain_heads") ?? 0, cancellationToken);
}
