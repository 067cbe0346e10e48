using Caracal.Evidence.Ledger;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>What is left of removed rows that a seal covers: as much as the seal's digest needs (operations.md 4.6.3).</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class RemovedRows(Database database)
{
    private const int PageSize = 2000;
    private const int StepSize = 100_000;

    /// <summary>The next ones of a chain after a sequence number, in order; none when there is no other.</summary>
    public Task<IReadOnlyList<RemovedRow>> AfterAsync(string chain, long after, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<RemovedRow>>(
        async connection =>
        [
            .. await connection.QueryAsync<RemovedRow>(
                """
                SELECT chain, chain_seq, content_sha256, chain_hmac FROM audit_removed_rows WHERE chain = @chain AND chain_seq > @after
                    AND chain_seq <= (SELECT min(chain_seq) + @width FROM audit_removed_rows WHERE chain = @chain AND chain_seq > @after) ORDER BY chain_seq
                """,
                new { chain, after, width = PageSize - 1 }),
        ],
        cancellationToken);

    /// <summary>Keeps of a zone's rows, in the work that removes them, what the seals over them need.</summary>
    /// <param name="work">The removal.</param>
    /// <param name="removal">Which rows go.</param>
    /// <param name="now">Database time.</param>
    internal static async Task KeepAsync(Work work, Removal removal, DateTimeOffset now)
    {
        var epochs = await work.Connection.QueryAsync<Epoch>(
            """
            SELECT e.id, e.last_seq, coalesce(s.last_seq, e.first_seq - 1) AS removed_to, coalesce(s.row_count, 0) AS row_count, s.digest
            FROM audit_epochs e LEFT JOIN audit_epoch_starts s ON s.epoch_id = e.id
            WHERE e.chain = @Zone AND e.first_seq <= @UpTo AND e.last_seq > @After
            """,
            removal);
        foreach (var epoch in epochs)
        {
            var start = await ExtendAsync(work, removal, epoch);
            if (start is not null) await KeepAsync(work, epoch.Id, start, now);
            await KeepBehindAsync(work, removal, start?.LastSeq ?? epoch.RemovedTo, epoch.LastSeq);
        }
    }

    // Follows the epoch from where its first rows are gone to the first that stays; null when that is the next one.
    private static async Task<RemovedStart?> ExtendAsync(Work work, Removal removal, Epoch epoch)
    {
        var digest = epoch.Digest is null ? new EpochDigest() : new EpochDigest(epoch.Digest);
        var (at, count) = (epoch.RemovedTo, epoch.RowCount);
        while (at < epoch.LastSeq)
        {
            // A page is a range: a planner whose statistics are old reads that as fast as one that knows better (LedgerReader).
            var next = await work.Connection.ExecuteScalarAsync<long?>(
                """
                SELECT min(chain_seq) FROM (
                    SELECT min(chain_seq) AS chain_seq FROM audit_events WHERE zone_id = @Zone AND chain_seq > @at
                    UNION ALL SELECT min(chain_seq) FROM audit_removed_rows WHERE chain = @Zone AND chain_seq > @at) AS nearest
                """,
                new { removal.Zone, at });
            var upTo = next is null ? epoch.LastSeq : Math.Min(epoch.LastSeq, next.Value + PageSize - 1);
            foreach (var row in await RowsAsync(work, removal, at, upTo))
            {
                if (row.Stays != 0) return Start(row.ChainSeq - 1);
                if (row.ChainSeq == at) continue;
                digest.Add(row.ChainSeq, row.ContentSha256, row.ChainHmac);
                count++;
                at = row.ChainSeq;
            }

            at = upTo;
        }

        return Start(epoch.LastSeq);

        RemovedStart? Start(long end) => end > epoch.RemovedTo ? new RemovedStart(end, count, digest.Hex) : null;
    }

    // What is there and what is left of what is not; a row that is there comes first and counts.
    private static async Task<IReadOnlyList<Row>> RowsAsync(Work work, Removal removal, long after, long upTo) => (await work.Connection.QueryAsync<Row>(
        """
        SELECT chain_seq, content_sha256, chain_hmac, CASE WHEN occurred_at >= @Start AND occurred_at < @End AND chain_seq <= @UpTo THEN 0 ELSE 1 END AS stays, 0 AS is_left
        FROM audit_events WHERE zone_id = @Zone AND chain_seq > @after AND chain_seq <= @last
        UNION ALL SELECT chain_seq, content_sha256, chain_hmac, 0, 1 FROM audit_removed_rows WHERE chain = @Zone AND chain_seq > @after AND chain_seq <= @last
        ORDER BY chain_seq, is_left
        """,
        new { removal.Start, removal.End, removal.UpTo, removal.Zone, after, last = upTo })).AsList();

    private static Task KeepAsync(Work work, string epochId, RemovedStart start, DateTimeOffset now) => work.Connection.ExecuteAsync(
        """
        INSERT INTO audit_epoch_starts (epoch_id, last_seq, row_count, digest, kept_at) VALUES (@epochId, @LastSeq, @RowCount, @Digest, @now)
        ON CONFLICT (epoch_id) DO UPDATE SET last_seq = excluded.last_seq, row_count = excluded.row_count, digest = excluded.digest, kept_at = excluded.kept_at
            WHERE audit_epoch_starts.last_seq < excluded.last_seq
        """,
        new { epochId, start.LastSeq, start.RowCount, start.Digest, now });

    // Rows that go from behind one that stays: the digest needs each of them. In steps, each of which a statement has time for.
    private static async Task KeepBehindAsync(Work work, Removal removal, long after, long last)
    {
        var end = Math.Min(last, removal.UpTo);
        for (var from = Math.Max(after, removal.After); from < end; from += StepSize)
        {
            await work.Connection.ExecuteAsync(
                $"""
                 INSERT INTO audit_removed_rows (chain, chain_seq, content_sha256, chain_hmac)
                 SELECT zone_id, chain_seq, content_sha256, chain_hmac FROM audit_events
                 WHERE zone_id = @Zone AND chain_seq > @from AND chain_seq <= @upTo
                     AND {work.Dialect.FilterBy("occurred_at")} >= @Start AND {work.Dialect.FilterBy("occurred_at")} < @End
                 ON CONFLICT (chain, chain_seq) DO NOTHING
                 """,
                new { removal.Zone, removal.Start, removal.End, from, upTo = Math.Min(end, from + StepSize) });
        }
    }

    private sealed record Row
    {
        public long ChainSeq { get; init; }
        public string ContentSha256 { get; init; } = "";
        public string? ChainHmac { get; init; }
        public long Stays { get; init; }
    }

    private sealed record Epoch
    {
        public string Id { get; init; } = "";
        public long LastSeq { get; init; }
        public long RemovedTo { get; init; }
        public long RowCount { get; init; }
        public string? Digest { get; init; }
    }
}

/// <summary>Rows of a zone that go together.</summary>
/// <param name="Zone">Whose.</param>
/// <param name="Start">Of the time they are of.</param>
/// <param name="End">Of the time they are of; they are before it.</param>
/// <param name="After">They come after this place; what is of that time before it is gone.</param>
/// <param name="UpTo">The last place.</param>
internal sealed record Removal(string Zone, DateTimeOffset Start, DateTimeOffset End, long After, long UpTo);
