using Caracal.Evidence.AdminAudit;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>Reads the chains of <c>admin_audit_events</c> in order, for the sweep (audit.md 5, 6).</summary>
/// <param name="database">The store.</param>
public sealed class AdminLedgerReader(Database database)
{
    /// <summary>Every chain by zone id; empty text is the chain of changes that belong to no zone.</summary>
    public Task<IReadOnlyList<string>> ChainsAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<string>>(
        async connection => [.. await connection.QueryAsync<string>("SELECT DISTINCT coalesce(zone_id, '') FROM admin_audit_events ORDER BY 1")],
        cancellationToken);

    /// <summary>Rows of a chain after a sequence number, in chain order.</summary>
    public Task<IReadOnlyList<AdminAuditRow>> ChainAsync(
        string zoneId, long afterSeq, int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<AdminAuditRow>>(
        async connection =>
        [
            .. (await connection.QueryAsync<StoredRow>(
                """
                SELECT id, request_id, actor_id, actor_name, actor_scope, action, method, path, zone_id, entity_type,
                    entity_id, status_code, payload_json, occurred_at, content_sha256, prev_content_sha256, chain_hmac,
                    chain_seq, hmac_key_id
                FROM admin_audit_events WHERE coalesce(zone_id, '') = @zoneId AND chain_seq > @afterSeq
                ORDER BY chain_seq LIMIT @limit
                """,
                new { zoneId, afterSeq, limit })).Select(row => row.ToRow()),
        ],
        cancellationToken);

    private sealed class StoredRow
    {
        public string Id { get; init; } = "";
        public string RequestId { get; init; } = "";
        public string? ActorId { get; init; }
        public string? ActorName { get; init; }
        public string? ActorScope { get; init; }
        public string Action { get; init; } = "";
        public string Method { get; init; } = "";
        public string Path { get; init; } = "";
        public string? ZoneId { get; init; }
        public string? EntityType { get; init; }
        public string? EntityId { get; init; }
        public long StatusCode { get; init; }
        public string? PayloadJson { get; init; }
        public DateTimeOffset OccurredAt { get; init; }
        public string ContentSha256 { get; init; } = "";
        public string? PrevContentSha256 { get; init; }
        public string? ChainHmac { get; init; }
        public long ChainSeq { get; init; }
        public string? HmacKeyId { get; init; }

        public AdminAuditRow ToRow() => new()
        {
            Entry = new AdminAuditEntry
            {
                Id = Id,
                RequestId = RequestId,
                ActorId = ActorId,
                ActorName = ActorName,
                ActorScope = ActorScope,
                Action = Action,
                Method = Method,
                Path = Path,
                ZoneId = ZoneId,
                EntityType = EntityType,
                EntityId = EntityId,
                StatusCode = (int)StatusCode,
                PayloadJson = PayloadJson,
                OccurredAt = OccurredAt,
            },
            ChainSeq = ChainSeq,
            ContentSha256 = ContentSha256,
            PrevContentSha256 = PrevContentSha256,
            ChainHmac = ChainHmac,
            HmacKeyId = HmacKeyId,
        };
    }
}
