using System.Collections.Immutable;
using Caracal.Evidence.Ledger;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>What happened to one event that was to be appended.</summary>
public enum AppendOutcome
{
    /// <summary>A new row at the end of the chain.</summary>
    Appended,

    /// <summary>The same event is stored already; no sequence number was used.</summary>
    Duplicate,

    /// <summary>An event with this id and other content is stored: somebody changed evidence (audit.md 4).</summary>
    Conflict,
}

/// <summary>The writing side of <c>audit_events</c> and <c>audit_chain_heads</c>: append only, nothing is ever changed or removed.</summary>
/// <param name="dialect">The engine.</param>
public sealed class LedgerStore(ISqlDialect dialect)
{
    private static readonly ImmutableArray<BulkColumn> Columns =
    [
        new("id", BulkType.Text), new("zone_id", BulkType.Text), new("event_type", BulkType.Text), new("request_id", BulkType.Text),
        new("decision", BulkType.Text), new("policy_set_id", BulkType.Text), new("policy_set_version_id", BulkType.Text),
        new("manifest_sha", BulkType.Text), new("evaluation_status", BulkType.Text), new("determining_policies_json", BulkType.Json),
        new("diagnostics_json", BulkType.Json), new("metadata_json", BulkType.Json), new("occurred_at", BulkType.Time),
        new("ingested_at", BulkType.Time), new("content_sha256", BulkType.Text), new("prev_content_sha256", BulkType.Text),
        new("chain_hmac", BulkType.Text), new("chain_seq", BulkType.Number), new("ingest_signature", BulkType.Text),
        new("hmac_key_id", BulkType.Text), new("ingest_key_id", BulkType.Text),
    ];

    private readonly string _contentsSql = $"SELECT id, content_sha256 FROM audit_events WHERE {dialect.AnyOfBound("id", "@ids")}";

    private const string HeadSql = "SELECT chain_seq, content_sha256 FROM audit_chain_heads WHERE zone_id = @zone";

    private const string MoveHeadSql =
        """
        INSERT INTO audit_chain_heads (zone_id, chain_seq, content_sha256) VALUES (@zone, @seq, @content)
        ON CONFLICT (zone_id) DO UPDATE SET chain_seq = excluded.chain_seq, content_sha256 = excluded.content_sha256
        """;

    /// <summary>Holds the zone's chain until the work ends (audit.md 4 step 1) and reads where it ends.</summary>
    public async Task<ChainHead> HoldChainAsync(Work work, string zoneId)
    {
        await work.LockAsync(AdvisoryLock.AuditChain(zoneId));
        var command = PreparedStatements.Get(work.Connection, HeadSql, "@zone");
        command.Set(0, zoneId);
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync() ? new ChainHead(reader.GetInt64(0), reader.GetString(1)) : ChainHead.Empty;
    }

    /// <summary>The content hash of each of these events that is stored already, by id.</summary>
    /// <remarks>The id alone decides: two rows with one id in different months would both pass the primary key (storage.md, Better 7).</remarks>
    public async Task<Dictionary<string, string>> ContentsAsync(Work work, IReadOnlyCollection<string> eventIds)
    {
        var command = PreparedStatements.Get(work.Connection, _contentsSql, "@ids");
        command.Set(0, dialect.ListValue(eventIds));
        var contents = new Dictionary<string, string>(eventIds.Count, StringComparer.Ordinal); // the caller adds what is new
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            contents.TryAdd(reader.GetString(0), reader.GetString(1));
        }

        return contents;
    }

    /// <summary>Appends rows that were linked to the head the caller holds, and moves it to the last of them.</summary>
    public async Task AppendAsync(Work work, string zoneId, IReadOnlyList<LedgerRow> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        await dialect.InsertManyAsync(work.Connection, new BulkInsert("INSERT INTO audit_events", Columns, [.. rows.Select(Values)]));
        await MoveHeadAsync(work, zoneId, rows[^1].Head);
    }

    /// <summary>Says where the chain ends now.</summary>
    private static async Task MoveHeadAsync(Work work, string zoneId, ChainHead head)
    {
        var command = PreparedStatements.Get(work.Connection, MoveHeadSql, "@zone", "@seq", "@content");
        command.Set(0, zoneId);
        command.Set(1, head.Seq);
        command.Set(2, head.ContentSha256);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Records that an event came again with other content (audit.md 4 step 5).</summary>
    public Task AlertAsync(Work work, string alertId, string eventId, string zoneId, string detail, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO audit_ingest_alerts (id, event_id, zone_id, kind, detail, created_at)
            VALUES (@alertId, @eventId, @zoneId, 'content_mismatch_on_replay', @detail, @now)
            """,
            new { alertId, eventId, zoneId, detail, now });

    private static object?[] Values(LedgerRow row) =>
    [
        row.Entry.Id, row.Entry.ZoneId, row.Entry.EventType, row.Entry.RequestId, row.Entry.Decision, row.Entry.PolicySetId,
        row.Entry.PolicySetVersionId, row.Entry.ManifestSha, row.Entry.EvaluationStatus, row.Entry.DeterminingPoliciesJson,
        row.Entry.DiagnosticsJson, row.Entry.MetadataJson, row.Entry.OccurredAt, row.IngestedAt, row.ContentSha256,
        row.PrevContentSha256, row.ChainHmac, row.ChainSeq, row.IngestSignature, row.HmacKeyId, row.IngestKeyId,
    ];
}
