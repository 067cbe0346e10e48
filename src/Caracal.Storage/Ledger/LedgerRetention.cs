using System.Globalization;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>What became of a month that is older than retention keeps.</summary>
public enum MonthOutcome
{
    /// <summary>Gone, and recorded before.</summary>
    Dropped,

    /// <summary>A legal hold lies on it.</summary>
    Held,

    /// <summary>A finding of one of its zones is open.</summary>
    Disputed,

    /// <summary>Some of it has not left for the export yet.</summary>
    NotExported,

    /// <summary>Another replica is at it, or more of it has come since it was looked at.</summary>
    Busy,
}

/// <summary>Removes whole months of the ledger, and tells before what it removes (audit.md 7).</summary>
/// <param name="database">The store of the Audit service.</param>
/// <param name="keys">The current key vouches for what is told; null only in dev, and where nothing is removed.</param>
public sealed class LedgerRetention(Database database, HmacKeyRing? keys = null)
{
    /// <summary>Rows of one transaction where months are no tables of their own: the single writer must soon be free.</summary>
    private const int ChunkSize = 1000;

    private const string RowsSql = "SELECT count(*) FROM audit_events WHERE occurred_at >= @start AND occurred_at < @end";

    /// <summary>Whoever removes months and whoever places holds wait for each other.</summary>
    internal static readonly AdvisoryLock Months = AdvisoryLock.Job(0x4341524130303039);

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
                if (!await work.TryLockAsync(Months)) return MonthOutcome.Busy;
                var seen = database.Dialect.PartitionsLedger ? await work.Connection.ExecuteScalarAsync<long>(RowsSql, span) : 0;
                if (await IsHeldAsync(work, span.start, span.end)) return MonthOutcome.Held;
                if (await work.Connection.ExecuteScalarAsync<long>(
                    """
                    SELECT count(*) FROM audit_ingest_alerts WHERE NOT EXISTS (SELECT 1 FROM audit_alert_closures WHERE alert_id = audit_ingest_alerts.id)
                        AND zone_id IN (SELECT zone_id FROM audit_events WHERE occurred_at >= @start AND occurred_at < @end)
                    """,
                    span) > 0)
                {
                    return MonthOutcome.Disputed;
                }

                if (exportFeed is not null && await work.Connection.ExecuteScalarAsync<long>(
                    """
                    SELECT count(*) FROM (SELECT zone_id, max(chain_seq) AS last_seq FROM audit_events WHERE occurred_at >= @start AND occurred_at < @end GROUP BY zone_id) AS months
                    WHERE last_seq > coalesce((SELECT c.chain_seq FROM audit_feed_cursors c WHERE c.feed = @exportFeed AND c.zone_id = months.zone_id), 0)
                    """,
                    span) > 0)
                {
                    return MonthOutcome.NotExported;
                }

                await TellAsync(work, span.name, month, now);
                if (database.Dialect.PartitionsLedger)
                {
                    await KeepSealedAsync(work, span.start, span.end, now);

                    // Rows of a month that has no table yet lie in the default one: they get theirs first.
                    await work.Connection.ExecuteScalarAsync<bool>("SELECT audit_partition_ensure(CAST(@day AS date))", span);
                    await work.Connection.ExecuteAsync("SELECT audit_partition_close(@name)", span);
                    if (await work.Connection.ExecuteScalarAsync<long>(RowsSql, span) != seen)
                    {
                        work.Discard(); // What came meanwhile is neither told of nor exported: it would be gone without a trace.
                        return MonthOutcome.Busy;
                    }

                    await work.Connection.ExecuteScalarAsync<bool>(database.Dialect.DropLedgerRows, span);
                }

                return MonthOutcome.Dropped;
            },
            cancellationToken);
        if (outcome != MonthOutcome.Dropped || database.Dialect.PartitionsLedger) return outcome;
        foreach (var (zone, last) in await ToldAsync(span.name, cancellationToken))
        {
            for (var after = 0L; after < last;)
            {
                var from = after;
                if (await database.WriteAsync(WriteKind.Bookkeeping, work => RemoveAsync(work, new Removal(zone, span.start, span.end, from, last), now), cancellationToken) is not { } end) return MonthOutcome.Held;
                after = end;
            }
        }

        return outcome;
    }

    // Where a month is a table it goes at once, with what the seals over its rows need.
    private static async Task KeepSealedAsync(Work work, DateTimeOffset start, DateTimeOffset end, DateTimeOffset now)
    {
        var zones = await work.Connection.QueryAsync<(string ZoneId, long Min, long Max)>(
            """
            SELECT zone_id, min(chain_seq), max(chain_seq) FROM audit_events
            WHERE occurred_at >= @start AND occurred_at < @end AND zone_id IN (SELECT chain FROM audit_epochs) GROUP BY zone_id
            """,
            new { start, end });
        foreach (var (zone, min, max) in zones.AsList()) await RemovedRows.KeepAsync(work, new Removal(zone, start, end, min - 1, max), now);
    }

    // The next rows of a month that is no table, with what their seals need; how far that is, and null when a hold came meanwhile.
    private async Task<long?> RemoveAsync(Work work, Removal rest, DateTimeOffset now)
    {
        if (await IsHeldAsync(work, rest.Start, rest.End)) return null;
        var time = database.Dialect.FilterBy("occurred_at");
        var end = await work.Connection.ExecuteScalarAsync<long?>(
            $"""
             SELECT chain_seq FROM audit_events WHERE zone_id = @Zone AND chain_seq > @After AND chain_seq <= @UpTo AND {time} >= @Start AND {time} < @End
             ORDER BY chain_seq LIMIT 1 OFFSET @most
             """,
            new { rest.Zone, rest.After, rest.UpTo, rest.Start, rest.End, most = ChunkSize - 1 });
        var removal = rest with { UpTo = end ?? rest.UpTo };
        await RemovedRows.KeepAsync(work, removal, now);
        await work.Connection.ExecuteAsync(
            database.Dialect.DropLedgerRows, new { zone = removal.Zone, start = removal.Start, end = removal.End, after = removal.After, upTo = removal.UpTo });
        return removal.UpTo;
    }

    private static async Task<bool> IsHeldAsync(Work work, DateTimeOffset start, DateTimeOffset end) => await work.Connection.ExecuteScalarAsync<long>(
        """
        SELECT count(*) FROM audit_legal_holds WHERE released_at IS NULL AND held_from < @end AND held_until > @start
            AND (held_zone_id IS NULL OR EXISTS (SELECT 1 FROM audit_events WHERE zone_id = held_zone_id AND occurred_at >= @start AND occurred_at < @end))
        """,
        new { start, end }) > 0;

    // Of each zone as far as was told: what came since is told of by the next look.
    private Task<IReadOnlyList<(string ZoneId, long MaxSeq)>> ToldAsync(string partition, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<(string ZoneId, long MaxSeq)>>(
        async connection =>
        [
            .. await connection.QueryAsync<(string ZoneId, long MaxSeq)>(
                "SELECT zone_id, max(max_seq) FROM audit_partition_drops WHERE partition_name = @partition OR partition_name LIKE @later GROUP BY zone_id ORDER BY zone_id",
                new { partition, later = partition + ".%" }),
        ],
        cancellationToken);

    /// <summary>
    /// Holds what retention does until the work ends, and asks whether rows that were read are the rows that are there: a seal
    /// over rows that went meanwhile would be one nobody can check.
    /// </summary>
    /// <param name="work">The sealing.</param>
    /// <param name="zoneId">Whose chain.</param>
    /// <param name="rows">The rows that were read: first, last, how many.</param>
    /// <param name="told">How many removals were told of before.</param>
    public static async Task<bool> HoldsStillAsync(Work work, string zoneId, DroppedRange rows, int told)
    {
        await work.LockAsync(Months);
        if (await work.Connection.ExecuteScalarAsync<long>("SELECT count(*) FROM audit_partition_drops WHERE zone_id = @zoneId", new { zoneId }) != told) return false;

        // Where a month goes in small pieces, one that was told of may still be going.
        return told == 0 || work.Dialect.PartitionsLedger || rows.Count == await work.Connection.ExecuteScalarAsync<long>(
            "SELECT count(*) FROM audit_events WHERE zone_id = @zoneId AND chain_seq >= @First AND chain_seq <= @Last", new { zoneId, rows.First, rows.Last });
    }

    /// <summary>What is told to have been removed of a zone's chain; whoever believes it asks first who vouches for it.</summary>
    public Task<IReadOnlyList<DroppedMonth>> DroppedAsync(string zoneId, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<DroppedMonth>>(
        async connection =>
        {
            var macs = (await connection.QueryAsync<StoredMac>("SELECT partition_name, mac_key_id, mac FROM audit_partition_drop_macs WHERE zone_id = @zoneId", new { zoneId }))
                .ToLookup(mac => mac.PartitionName, StringComparer.Ordinal);
            var told = await connection.QueryAsync<DroppedMonth>(
                """
                SELECT partition_name, zone_id, min_seq, max_seq, row_count, dropped_at, drop_hmac, hmac_key_id
                FROM audit_partition_drops WHERE zone_id = @zoneId ORDER BY min_seq
                """,
                new { zoneId });
            return [.. told.Select(month => month with { Macs = [.. macs[month.PartitionName].Select(mac => new EpochMac(mac.MacKeyId, mac.Mac))] })];
        },
        cancellationToken);

    /// <summary>A later key vouches for what was told.</summary>
    public static Task VouchAsync(Work work, DroppedMonth month, EpochMac mac, DateTimeOffset now) => work.Connection.ExecuteAsync(
        """
        INSERT INTO audit_partition_drop_macs (partition_name, zone_id, mac_key_id, mac, at) VALUES (@PartitionName, @ZoneId, @MacKeyId, @Mac, @now)
        ON CONFLICT DO NOTHING
        """,
        new { month.PartitionName, month.ZoneId, mac.MacKeyId, mac.Mac, now });

    // What was told before is being removed still; only rows that came after it are told now.
    private async Task TellAsync(Work work, string partition, DateTimeOffset month, DateTimeOffset now)
    {
        var untold = await work.Connection.QueryAsync<(string ZoneId, long Min, long Max, long Count, long Told)>(
            """
            SELECT e.zone_id, min(e.chain_seq), max(e.chain_seq), count(*), max(coalesce(told.last_seq, 0)) FROM audit_events e
            LEFT JOIN (
                SELECT zone_id, max(max_seq) AS last_seq FROM audit_partition_drops
                WHERE partition_name = @partition OR partition_name LIKE @later GROUP BY zone_id) AS told ON told.zone_id = e.zone_id
            WHERE e.occurred_at >= @start AND e.occurred_at < @end AND e.chain_seq > coalesce(told.last_seq, 0) GROUP BY e.zone_id
            """,
            new { partition, later = partition + ".%", start = month, end = month.AddMonths(1) });
        foreach (var (zone, min, max, count, told) in untold)
        {
            var record = new DroppedMonth
            {
                ZoneId = zone,
                PartitionName = told > 0 ? string.Create(CultureInfo.InvariantCulture, $"{partition}.{min}") : partition,
                MinSeq = min,
                MaxSeq = max,
                RowCount = count,
                DroppedAt = now,
            };
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO audit_partition_drops (partition_name, zone_id, min_seq, max_seq, row_count, dropped_at, drop_hmac, hmac_key_id)
                VALUES (@PartitionName, @ZoneId, @MinSeq, @MaxSeq, @RowCount, @DroppedAt, @DropHmac, @HmacKeyId)
                """,
                record.Signed(keys?.Current));
        }
    }

    private sealed record StoredMac
    {
        public string PartitionName { get; init; } = "";
        public string MacKeyId { get; init; } = "";
        public string Mac { get; init; } = "";
    }

    internal static string NameOf(DateTimeOffset month) => month.UtcDateTime.ToString("'audit_events_y'yyyy'm'MM", CultureInfo.InvariantCulture);

    // PostgreSQL's times begin later than ours.
    private static DateTimeOffset Floor(DateTimeOffset time) => time < DateTimeOffset.UnixEpoch ? DateTimeOffset.UnixEpoch : time;
}
