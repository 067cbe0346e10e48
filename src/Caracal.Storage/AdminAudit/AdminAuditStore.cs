using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Dapper;

namespace Caracal.Storage.AdminAudit;

/// <summary>Table <c>admin_audit_events</c>: append only, chained per zone (audit.md 5, storage.md 7).</summary>
public sealed class AdminAuditStore
{
    /// <summary>
    /// Appends the entry to its zone's chain inside the change it records (README ruling 23). Take every other lock
    /// before: the chain's lock is the last of the lock order.
    /// </summary>
    public async Task AppendAsync(Work work, AdminAuditEntry entry, HmacKey? key)
    {
        await work.LockAsync(AdminAuditHash.ChainOf(entry.ZoneId));
        var head = await work.Connection.QuerySingleOrDefaultAsync<(long Seq, string Content)?>(
            entry.ZoneId is null
                ? "SELECT chain_seq, content_sha256 FROM admin_audit_events WHERE zone_id IS NULL ORDER BY chain_seq DESC LIMIT 1"
                : "SELECT chain_seq, content_sha256 FROM admin_audit_events WHERE zone_id = @ZoneId ORDER BY chain_seq DESC LIMIT 1",
            new { entry.ZoneId });
        var row = AdminAuditHash.Link(entry, head is { } last ? new ChainHead(last.Seq, last.Content) : ChainHead.Empty, key);
        await work.Connection.ExecuteAsync(
            """
            INSERT INTO admin_audit_events
                (id, request_id, actor_id, actor_name, actor_scope, action, method, path, zone_id, entity_type, entity_id,
                 status_code, payload_json, occurred_at, content_sha256, prev_content_sha256, chain_hmac, chain_seq, hmac_key_id)
            VALUES (@Id, @RequestId, @ActorId, @ActorName, @ActorScope, @Action, @Method, @Path, @ZoneId, @EntityType, @EntityId,
                @StatusCode, @Payload, @OccurredAt, @ContentSha256, @PrevContentSha256, @ChainHmac, @ChainSeq, @HmacKeyId)
            """,
            new
            {
                row.Entry.Id,
                row.Entry.RequestId,
                row.Entry.ActorId,
                row.Entry.ActorName,
                row.Entry.ActorScope,
                row.Entry.Action,
                row.Entry.Method,
                row.Entry.Path,
                row.Entry.ZoneId,
                row.Entry.EntityType,
                row.Entry.EntityId,
                row.Entry.StatusCode,
                Payload = row.Entry.PayloadJson is { } payload ? new JsonText(payload) : (JsonText?)null,
                row.Entry.OccurredAt,
                row.ContentSha256,
                row.PrevContentSha256,
                row.ChainHmac,
                row.ChainSeq,
                row.HmacKeyId,
            });
    }
}
