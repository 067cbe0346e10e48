using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Text;
using Caracal.Evidence.Ledger;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>Which rows a search wants (audit.md 10).</summary>
public sealed record LedgerQuery
{
    public required string ZoneId { get; init; }
    public string? Decision { get; init; }
    public string? RequestId { get; init; }
    public required DateTimeOffset Since { get; init; }
    public required DateTimeOffset Until { get; init; }

    public string? EventType { get; init; }
    public string? ApplicationId { get; init; }

    /// <summary>The agent's Session.</summary>
    public string? SessionId { get; init; }

    /// <summary>One of the agent's labels.</summary>
    public string? Label { get; init; }

    /// <summary>Only rows with a higher sequence number.</summary>
    public long AfterSeq { get; init; }

    public int Limit { get; init; } = 100;
}

/// <summary>The reading side of the ledger, for the service that owns it: chains in order, and searches.</summary>
/// <param name="database">The store.</param>
public sealed class LedgerReader(Database database)
{
    // Sequence numbers have no gaps unless rows are gone, so a page is a range: a planner whose statistics are old, which
    // holds everything after a row for two rows, reads a range as fast as one that knows better.
    private const string RangeSql = $"SELECT {StoredLedgerRow.Columns} FROM audit_events WHERE zone_id = @zoneId AND chain_seq > @afterSeq AND chain_seq <= @upTo ORDER BY chain_seq LIMIT @limit";
    private const string Allow = "allow";

    // Said in the words of the index over what is rare, so that either engine sees that it has every row.
    private const string NotAllowed = " AND decision <> 'allow'";

    private const string LinksSql = $"SELECT {StoredPreimages.Columns} FROM audit_events WHERE zone_id = @zoneId AND chain_seq > @afterSeq AND chain_seq <= @upTo ORDER BY chain_seq LIMIT @limit";
    private const string RestSql = $"SELECT {StoredLedgerRow.Columns} FROM audit_events WHERE zone_id = @zoneId AND chain_seq > @afterSeq ORDER BY chain_seq LIMIT @limit";
    private const string PredecessorSql = $"SELECT {StoredLedgerRow.Columns} FROM audit_events WHERE zone_id = @zoneId AND chain_seq < @seq ORDER BY chain_seq DESC LIMIT 1";

    /// <summary>Every zone that has rows or a recorded chain end, in order.</summary>
    public Task<IReadOnlyList<string>> ZonesAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<string>>(
        async connection =>
        [
            .. await connection.QueryAsync<string>(
                """
                SELECT zone_id FROM audit_chain_heads UNION SELECT DISTINCT zone_id FROM audit_events
                UNION SELECT DISTINCT zone_id FROM audit_checkpoints ORDER BY 1
                """),
        ],
        cancellationToken);

    /// <summary>The recorded end of a zone's chain; empty when none is recorded.</summary>
    public Task<ChainHead> HeadAsync(string zoneId, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var head = await connection.QueryFirstOrDefaultAsync<(long Seq, string Content)?>(
                "SELECT chain_seq, content_sha256 FROM audit_chain_heads WHERE zone_id = @zoneId", new { zoneId });
            return head is { } found ? new ChainHead(found.Seq, found.Content) : ChainHead.Empty;
        },
        cancellationToken);

    /// <summary>Up to <paramref name="limit"/> rows of a zone after a sequence number, in chain order.</summary>
    public Task<IReadOnlyList<LedgerRow>> ChainAsync(string zoneId, long afterSeq, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync(connection => ChainAsync(connection, zoneId, afterSeq, limit), cancellationToken);

    /// <summary>The same rows, of each only what a verification needs.</summary>
    public Task<ChainPage> LinksAsync(string zoneId, long afterSeq, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var command = PreparedStatements.Get(connection, LinksSql, "@zoneId", "@afterSeq", "@upTo", "@limit");
            SetRange(command, zoneId, afterSeq, limit);
            var page = await StoredPreimages.ReadAllAsync(command, zoneId);
            if (page.Rows.Count == limit) return new ChainPage(page.Rows, page);

            // The end of the chain, or rows are missing: the few rows there may be are read as any others.
            var rest = await RestAsync(connection, zoneId, afterSeq + limit, limit - page.Rows.Count);
            return new ChainPage([.. page.Rows, .. rest], page);
        },
        cancellationToken);

    /// <summary>Rows of a zone after a sequence number to the end of its chain, read page by page.</summary>
    public async IAsyncEnumerable<LedgerRow> WalkAsync(
        string zoneId, long afterSeq, int pageSize, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<LedgerRow> rows;
        do
        {
            rows = await ChainAsync(zoneId, afterSeq, pageSize, cancellationToken);
            foreach (var row in rows)
            {
                yield return row;
                afterSeq = row.ChainSeq;
            }
        }
        while (rows.Count == pageSize);
    }

    /// <summary>The last row before a sequence number; null when there is none.</summary>
    public Task<LedgerRow?> PredecessorAsync(string zoneId, long seq, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var command = PreparedStatements.Get(connection, PredecessorSql, "@zoneId", "@seq");
            command.Set(0, zoneId);
            command.Set(1, seq);
            return await StoredLedgerRow.ReadAllAsync(command) is [var row] ? row : null;
        },
        cancellationToken);

    /// <summary>The lowest sequence number of a zone among events since a time; null when there are none.</summary>
    public Task<long?> FirstSeqSinceAsync(string zoneId, DateTimeOffset since, CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.ExecuteScalarAsync<long?>(
            "SELECT min(chain_seq) FROM audit_events WHERE zone_id = @zoneId AND occurred_at >= @since", new { zoneId, since }),
        cancellationToken);

    /// <summary>Rows that match, by rising sequence number.</summary>
    public Task<IReadOnlyList<LedgerRow>> SearchAsync(LedgerQuery query, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<LedgerRow>>(
        async connection =>
        {
            var sql = new StringBuilder($"SELECT {StoredLedgerRow.Columns} FROM audit_events WHERE zone_id = @ZoneId AND chain_seq > @AfterSeq AND occurred_at >= @Since AND occurred_at <= @Until");
            var rare = query.RequestId ?? query.ApplicationId ?? query.SessionId ?? query.Label;
            if (rare is null && await SearchNearAsync(connection, query) is { } near) return near;
            if (query.Decision is not null) sql.Append(" AND decision = @Decision");
            if (query.Decision is not (null or Allow)) sql.Append(NotAllowed);
            if (query.RequestId is not null) sql.Append(" AND request_id = @RequestId");
            if (query.EventType is not null) sql.Append(" AND event_type = @EventType");
            if (query.ApplicationId is not null) sql.Append($" AND {database.Dialect.JsonText("metadata_json", "application_id")} = @ApplicationId");
            if (query.SessionId is not null) sql.Append($" AND {database.Dialect.EventMember("agent_session_id")} = @SessionId");
            if (query.Label is not null) sql.Append($" AND {database.Dialect.JsonArrayContains("metadata_json", "agent_labels", "@Label")}");
            await using var reader = await connection.ExecuteReaderAsync(sql.Append(" ORDER BY chain_seq LIMIT @Limit").ToString(), query);
            return await StoredLedgerRow.ReadAllAsync(reader);
        },
        cancellationToken);

    // Where most rows match, a page lies close behind its cursor; null when it does not, and the whole chain has to be asked.
    private static async Task<IReadOnlyList<LedgerRow>?> SearchNearAsync(DbConnection connection, LedgerQuery query)
    {
        await using var reader = await connection.ExecuteReaderAsync(
            $"""
             SELECT {StoredLedgerRow.Columns} FROM audit_events
             WHERE zone_id = @ZoneId AND chain_seq > @AfterSeq AND chain_seq <= @upTo AND occurred_at >= @Since AND occurred_at <= @Until
                 {(query.Decision is null ? "" : "AND decision = @Decision")} {(query.EventType is null ? "" : "AND event_type = @EventType")}
             ORDER BY chain_seq LIMIT @Limit
             """,
            new { query.ZoneId, query.AfterSeq, query.Since, query.Until, query.Decision, query.EventType, query.Limit, upTo = query.AfterSeq + (4L * query.Limit) });
        var rows = await StoredLedgerRow.ReadAllAsync(reader);
        return rows.Count == query.Limit ? rows : null;
    }

    /// <summary>Throws unless the store answers.</summary>
    public Task PingAsync(CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.ExecuteScalarAsync<long>("SELECT count(*) FROM audit_chain_heads"), cancellationToken);

    private static async Task<IReadOnlyList<LedgerRow>> ChainAsync(DbConnection connection, string zoneId, long afterSeq, int limit)
    {
        var command = PreparedStatements.Get(connection, RangeSql, "@zoneId", "@afterSeq", "@upTo", "@limit");
        SetRange(command, zoneId, afterSeq, limit);
        var page = await StoredLedgerRow.ReadAllAsync(command);

        // The end of the chain, or rows are missing.
        return page.Count == limit ? page : [.. page, .. await RestAsync(connection, zoneId, afterSeq + limit, limit - page.Count)];
    }

    private static Task<IReadOnlyList<LedgerRow>> RestAsync(DbConnection connection, string zoneId, long afterSeq, int limit)
    {
        var rest = PreparedStatements.Get(connection, RestSql, "@zoneId", "@afterSeq", "@limit");
        rest.Set(0, zoneId);
        rest.Set(1, afterSeq);
        rest.Set(2, (long)limit);
        return StoredLedgerRow.ReadAllAsync(rest);
    }

    private static void SetRange(DbCommand command, string zoneId, long afterSeq, int limit)
    {
        command.Set(0, zoneId);
        command.Set(1, afterSeq);
        command.Set(2, afterSeq + limit);
        command.Set(3, (long)limit);
    }
}

/// <summary>Rows for a verification, and what keeps their bytes.</summary>
/// <param name="Rows">In chain order; they live as long as the page.</param>
/// <param name="Bytes">What they were hashed from.</param>
public sealed record ChainPage(IReadOnlyList<IChainRow> Rows, PreimagePage Bytes) : IDisposable
{
    public void Dispose() => Bytes.Dispose();
}
