using System.Globalization;
using Caracal.Evidence.Ledger;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>What became of a month that is older than retention keeps.</summary>
public enum MonthOutcome
{
    /// <summary>Gone, and recorded before.</summary>
    Dropped,

    /// <summary>A legal hold lies on it.</summary>
    Held,

    /// <summary>Some of it has not left for the export yet.</summary>
    NotExported,

    /// <summary>Another replica is at it.</summary>
    Busy,
}

/// <summary>Removes whole months of the ledger, and tells before what it removes (audit.md 7).</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class LedgerRetention(Database database)
{
    /// <summary>Rows of one transaction where months are no tables of their own: the single writer must soon be free.</summary>
    private const int ChunkSize = 1000;

    /// <summary>Whoever removes months and whoever places holds wait for each other.</summary>
    internal static readonly AdvisoryLock Leader = AdvisoryLock.Job(0x4341524130303032);

    /// <summary>Days that operators set below the ceiling; null when they set none.</summary>
    public Task<long?> DaysAsync(CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.ExecuteScalarAsync<long?>("SELECT retention_days FROM audit_retention"), cancellationToken);

    /// <summary>The first days of the months that hold rows and end at or before a time, oldest first.</summary>
    public async Task<IReadOnlyList<DateTimeOffset>> MonthsAsync(DateTimeOffset endedBy, CancellationToken cancellationToken)
    {
        var months = new List<DateTimeOffset>();
        for (var from = DateTimeOffset.MinValue; ; from = months[^1].AddMonths(1))
        {
            var next = await database.ReadAsync(
                connection => connection.ExecuteScalarAsync<object?>("SELECT min(occurred_at) FROM audit_events WHERE occurred_at >= @from", new { from = Floor(from) }),
                cancellationToken);
            if (next is null or DBNull) return months;
            var time = next is long microseconds ? Instants.FromMicroseconds(microseconds) : new DateTimeOffset(DateTime.SpecifyKind((DateTime)next, DateTimeKind.Utc));
            var month = new DateTimeOffset(time.Year, time.Month, 1, 0, 0, 0, TimeSpan.Zero);
            if (month.AddMonths(1) > endedBy) return months;
            months.Add(month);
        }
    }

    /// <summary>Removes a month unless something keeps it.</summary>
    /// <param name="month">Its first day.</param>
    /// <param name="exportFeed">The export that must have taken all of it; null when there is none.</param>
    /// <param name="now">Database time.</param>
    /// <param name="cancellationToken">Stops between transactions.</param>
    public async Task<MonthOutcome> DropAsync(DateTimeOffset month, string? exportFeed, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var span = new { name = NameOf(month), start = month, end = month.AddMonths(1), now, exportFeed, day = month.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) };
        var outcome = await database.WriteAsync(
            WriteKind.Bookkeeping,
            async work =>
            {
                if (!await work.TryLockAsync(Leader)) return MonthOutcome.Busy;
                var held = await work.Connection.ExecuteScalarAsync<long>(
                    """
                    SELECT count(*) FROM audit_legal_holds WHERE released_at IS NULL AND held_from < @end AND held_until > @start
                        AND (held_zone_id IS NULL OR held_zone_id IN (SELECT zone_id FROM audit_events WHERE occurred_at >= @start AND occurred_at < @end))
                    """,
                    span);
                if (held > 0) return MonthOutcome.Held;
                if (exportFeed is not null && await work.Connection.ExecuteScalarAsync<long>(
                    """
                    SELECT count(*) FROM (SELECT zone_id, max(chain_seq) AS last_seq FROM audit_events WHERE occurred_at >= @start AND occurred_at < @end GROUP BY zone_id) AS months
                    WHERE last_seq > coalesce((SELECT c.chain_seq FROM audit_feed_cursors c WHERE c.feed = @exportFeed AND c.zone_id = months.zone_id), 0)
                    """,
                    span) > 0)
                {
                    return MonthOutcome.NotExported;
                }

                await work.Connection.ExecuteAsync(
                    """
                    INSERT INTO audit_partition_drops (partition_name, zone_id, min_seq, max_seq, row_count, dropped_at)
                    SELECT @name, zone_id, min(chain_seq), max(chain_seq), count(*), @now FROM audit_events
                    WHERE occurred_at >= @start AND occurred_at < @end GROUP BY zone_id
                    ON CONFLICT (partition_name, zone_id) DO NOTHING
                    """,
                    span);
                if (database.Dialect.PartitionsLedger)
                {
                    // Rows of a month that has no table yet lie in the default one: they get theirs first.
                    await work.Connection.ExecuteScalarAsync<bool>("SELECT audit_partition_ensure(CAST(@day AS date))", span);
                    await work.Connection.ExecuteScalarAsync<bool>(database.Dialect.DropLedgerRows, span);
                }

                return MonthOutcome.Dropped;
            },
            cancellationToken);
        while (outcome == MonthOutcome.Dropped && !database.Dialect.PartitionsLedger)
        {
            var removed = await database.WriteAsync(
                WriteKind.Bookkeeping, work => work.Connection.ExecuteAsync(database.Dialect.DropLedgerRows, new { span.start, span.end, limit = ChunkSize }), cancellationToken);
            if (removed < ChunkSize) break;
        }

        return outcome;
    }

    /// <summary>What retention has removed of a zone's chain.</summary>
    public Task<DroppedRows> DroppedAsync(string zoneId, CancellationToken cancellationToken) => database.ReadAsync(
        async connection => new DroppedRows([.. await connection.QueryAsync<DroppedRange>(
            "SELECT min_seq AS first, max_seq AS last, row_count AS count FROM audit_partition_drops WHERE zone_id = @zoneId ORDER BY min_seq", new { zoneId })]),
        cancellationToken);

    internal static string NameOf(DateTimeOffset month) => month.UtcDateTime.ToString("'audit_events_y'yyyy'm'MM", CultureInfo.InvariantCulture);

    // PostgreSQL's times begin later than ours.
    private static DateTimeOffset Floor(DateTimeOffset time) => time < DateTimeOffset.UnixEpoch ? DateTimeOffset.UnixEpoch : time;
}
