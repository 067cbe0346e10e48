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
/// <param name="dialect">The engine; its types are named where a value's own type would be guessed wrongly.</param>
public sealed class LedgerStore(ISqlDialect dialect)
{
    // The id alone decides: two rows with one id in different months would both pass the primary key (storage.md, Better 7).
    private readonly string _insertSql = dialect.TranslateTypes(
        """
        INSERT INTO audit_events (id, zone_id, event_type, request_id, decision, policy_set_id, policy_set_version_id,
            manifest_sha, evaluation_status, determining_policies_json, diagnostics_json, metadata_json, occurred_at,
            ingested_at, content_sha256, prev_content_sha256, chain_hmac, chain_seq, ingest_signature, hmac_key_id,
            ingest_key_id)
        SELECT @id, @zone, @type, @request, @decision, @set, @version, @manifest, @status, CAST(@policies AS {json}),
            CAST(@diagnostics AS {json}), CAST(@metadata AS {json}), CAST(@occurred AS {time}), CAST(@ingested AS {time}),
            @content, @prev, @hmac, @seq, @signature, @key, @ingestKey
        WHERE NOT EXISTS (SELECT 1 FROM audit_events WHERE id = @id)
        """);

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

    /// <summary>Appends one row unless its id is stored; the caller moves the head afterwards.</summary>
    public async Task<AppendOutcome> AppendAsync(Work work, LedgerRow row)
    {
        var command = PreparedStatements.Get(
            work.Connection, _insertSql, "@id", "@zone", "@type", "@request", "@decision", "@set", "@version", "@manifest",
            "@status", "@policies", "@diagnostics", "@metadata", "@occurred", "@ingested", "@content", "@prev", "@hmac",
            "@seq", "@signature", "@key", "@ingestKey");
        var entry = row.Entry;
        command.Set(0, entry.Id);
        command.Set(1, entry.ZoneId);
        command.Set(2, entry.EventType);
        command.Set(3, entry.RequestId);
        command.Set(4, entry.Decision);
        command.Set(5, entry.PolicySetId);
        command.Set(6, entry.PolicySetVersionId);
        command.Set(7, entry.ManifestSha);
        command.Set(8, entry.EvaluationStatus);
        command.Set(9, entry.DeterminingPoliciesJson);
        command.Set(10, entry.DiagnosticsJson);
        command.Set(11, entry.MetadataJson);
        command.Set(12, Time(work, entry.OccurredAt));
        command.Set(13, Time(work, row.IngestedAt));
        command.Set(14, row.ContentSha256);
        command.Set(15, row.PrevContentSha256);
        command.Set(16, row.ChainHmac);
        command.Set(17, row.ChainSeq);
        command.Set(18, row.IngestSignature);
        command.Set(19, row.HmacKeyId);
        command.Set(20, row.IngestKeyId);
        if (await command.ExecuteNonQueryAsync() == 1)
        {
            return AppendOutcome.Appended;
        }

        return await ContentOfAsync(work, entry.Id) == row.ContentSha256 ? AppendOutcome.Duplicate : AppendOutcome.Conflict;
    }

    /// <summary>Says where the chain ends now.</summary>
    public async Task MoveHeadAsync(Work work, string zoneId, ChainHead head)
    {
        var command = PreparedStatements.Get(work.Connection, MoveHeadSql, "@zone", "@seq", "@content");
        command.Set(0, zoneId);
        command.Set(1, head.Seq);
        command.Set(2, head.ContentSha256);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The stored content hash of an event id; null when it is not stored.</summary>
    public Task<string?> ContentOfAsync(Work work, string eventId) =>
        work.Connection.ExecuteScalarAsync<string?>(
            "SELECT content_sha256 FROM audit_events WHERE id = @eventId ORDER BY occurred_at LIMIT 1", new { eventId });

    /// <summary>Records that an event came again with other content (audit.md 4 step 5).</summary>
    public Task AlertAsync(Work work, string alertId, string eventId, string zoneId, string detail, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO audit_ingest_alerts (id, event_id, zone_id, kind, detail, created_at)
            VALUES (@alertId, @eventId, @zoneId, 'content_mismatch_on_replay', @detail, @now)
            """,
            new { alertId, eventId, zoneId, detail, now });

    private static object Time(Work work, DateTimeOffset time) =>
        work.Dialect.Name == "sqlite" ? Instants.ToMicroseconds(time) : time.UtcDateTime;
}
