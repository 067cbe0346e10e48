using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>How far each outgoing feed has told every zone.</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class FeedStore(Database database)
{
    /// <summary>Zones that have grown beyond the feed's cursor, with that cursor.</summary>
    public Task<IReadOnlyList<(string ZoneId, long Seq)>> BehindAsync(string feed, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<(string, long)>>(
        async connection =>
        [
            .. await connection.QueryAsync<(string, long)>(
                """
                SELECT h.zone_id, coalesce(c.chain_seq, 0) FROM audit_chain_heads h
                LEFT JOIN audit_feed_cursors c ON c.feed = @feed AND c.zone_id = h.zone_id
                WHERE h.chain_seq > coalesce(c.chain_seq, 0) ORDER BY h.zone_id
                """,
                new { feed }),
        ],
        cancellationToken);

    /// <summary>The feed has told a zone up to a row; a cursor never goes back.</summary>
    public Task MoveAsync(string feed, string zoneId, long seq, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteAsync(
        WriteKind.Bookkeeping,
        work => work.Connection.ExecuteAsync(
            """
            INSERT INTO audit_feed_cursors (feed, zone_id, chain_seq, updated_at) VALUES (@feed, @zoneId, @seq, @now)
            ON CONFLICT (feed, zone_id) DO UPDATE SET chain_seq = excluded.chain_seq, updated_at = excluded.updated_at
                WHERE excluded.chain_seq > audit_feed_cursors.chain_seq
            """,
            new { feed, zoneId, seq, now }),
        cancellationToken);
}
