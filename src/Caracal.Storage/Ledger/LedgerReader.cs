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
    private const string Columns =
        """
        id, zone_id, event_type, request_id, decision, policy_set_id, policy_set_version_id, manifest_sha,
        evaluation_status, determining_policies_json, diagnostics_json, metadata_json, occurred_at, ingested_at,
        content_sha256, prev_content_sha256, chain_hmac, chain_seq, ingest_signature, hmac_key_id, ingest_key_id
        """;

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

    /// <summary>Rows of a zone after a sequence number, in chain order.</summary>
    public Task<IReadOnlyList<LedgerRow>> ChainAsync(
        string zoneId, long afterSeq, int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<LedgerRow>>(
        async connection =>
        [
            .. (await connection.QueryAsync<StoredRow>(
                $"SELECT {Columns} FROM audit_events WHERE zone_id = @zoneId AND chain_seq > @afterSeq ORDER BY chain_seq LIMIT @limit",
                new { zoneId, afterSeq, limit })).Select(row => row.ToLedgerRow()),
        ],
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
        async connection => (await connection.QueryFirstOrDefaultAsync<StoredRow>(
            $"SELECT {Columns} FROM audit_events WHERE zone_id = @zoneId AND chain_seq < @seq ORDER BY chain_seq DESC LIMIT 1",
            new { zoneId, seq }))?.ToLedgerRow(),
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
            var sql = new StringBuilder($"SELECT {Columns} FROM audit_events WHERE zone_id = @ZoneId AND chain_seq > @AfterSeq AND occurred_at >= @Since AND occurred_at <= @Until");
            if (query.Decision is not null) sql.Append(" AND decision = @Decision");
            if (query.RequestId is not null) sql.Append(" AND request_id = @RequestId");
            if (query.EventType is not null) sql.Append(" AND event_type = @EventType");
            if (query.ApplicationId is not null) sql.Append($" AND {database.Dialect.JsonText("metadata_json", "application_id")} = @ApplicationId");
            if (query.SessionId is not null) sql.Append($" AND {database.Dialect.EventMember("agent_session_id")} = @SessionId");
            if (query.Label is not null) sql.Append($" AND {database.Dialect.JsonArrayContains("metadata_json", "agent_labels", "@Label")}");
            var rows = await connection.QueryAsync<StoredRow>(
                sql.Append(" ORDER BY chain_seq LIMIT @Limit").ToString(),
                query);
            return [.. rows.Select(row => row.ToLedgerRow())];
        },
        cancellationToken);

    /// <summary>Throws unless the store answers.</summary>
    public Task PingAsync(CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.ExecuteScalarAsync<long>("SELECT count(*) FROM audit_chain_heads"), cancellationToken);

    private sealed class StoredRow
    {
        public string Id { get; init; } = "";
        public string ZoneId { get; init; } = "";
        public string? EventType { get; init; }
        public string? RequestId { get; init; }
        public string? Decision { get; init; }
        public string? PolicySetId { get; init; }
        public string? PolicySetVersionId { get; init; }
        public string? ManifestSha { get; init; }
        public string? EvaluationStatus { get; init; }
        public string? DeterminingPoliciesJson { get; init; }
        public string? DiagnosticsJson { get; init; }
        public string? MetadataJson { get; init; }
        public DateTimeOffset OccurredAt { get; init; }
        public DateTimeOffset IngestedAt { get; init; }
        public string ContentSha256 { get; init; } = "";
        public string? PrevContentSha256 { get; init; }
        public string? ChainHmac { get; init; }
        public long ChainSeq { get; init; }
        public string? IngestSignature { get; init; }
        public string? HmacKeyId { get; init; }
        public string? IngestKeyId { get; init; }

        public LedgerRow ToLedgerRow() => new()
        {
            Entry = new LedgerEntry
            {
                Id = Id,
                ZoneId = ZoneId,
                EventType = EventType ?? "",
                RequestId = RequestId ?? "",
                Decision = Decision ?? "",
                PolicySetId = PolicySetId,
                PolicySetVersionId = PolicySetVersionId,
                ManifestSha = ManifestSha,
                EvaluationStatus = EvaluationStatus ?? "",
                DeterminingPoliciesJson = DeterminingPoliciesJson,
                DiagnosticsJson = DiagnosticsJson,
                MetadataJson = MetadataJson,
                OccurredAt = OccurredAt,
            },
            ChainSeq = ChainSeq,
            ContentSha256 = ContentSha256,
            PrevContentSha256 = PrevContentSha256,
            ChainHmac = ChainHmac,
            HmacKeyId = HmacKeyId,
            IngestKeyId = IngestKeyId,
            IngestSignature = IngestSignature,
            IngestedAt = IngestedAt,
        };
    }
}
