using System.Data.Common;
using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.AdminAudit;

/// <summary>A row of <c>admin_audit_events</c> as the list shows it.</summary>
public sealed record AdminAuditListRow
{
    public string Id { get; init; } = "";
    public string RequestId { get; init; } = "";
    public string? ActorId { get; init; }
    public string? ActorName { get; init; }
    public string? ActorScope { get; init; }
    public string Action { get; init; } = "";
    public string Method { get; init; } = "";
    public string Path { get; init; } = "";
    public string? EntityType { get; init; }
    public string? EntityId { get; init; }
    public long StatusCode { get; init; }
    public JsonText? PayloadJson { get; init; }
    public DateTimeOffset OccurredAt { get; init; }
    public long ChainSeq { get; init; }
    public string? ChainHmac { get; init; }
}

/// <summary>What a list of changes is narrowed to.</summary>
public sealed record AdminAuditFilter(
    DateTimeOffset? Since, DateTimeOffset? Until, string? ActorId, string? EntityType, string? EntityId, string? Method);

/// <summary>The admin ledger, table <c>admin_audit_events</c> (audit.md 5): one hash chain per zone, rows only ever added.</summary>
public static class AdminAuditLedger
{
    private const string Select =
        """
        SELECT id, request_id, actor_id, actor_name, actor_scope, action, method, path, entity_type, entity_id, status_code,
               payload_json, occurred_at, chain_seq, chain_hmac FROM admin_audit_events
        """;

    /// <summary>Appends to the zone's chain in the transaction of the change it records (README ruling 23).</summary>
    public static async Task AppendAsync(Work work, AdminAuditEntry entry, HmacKey? key)
    {
        await work.LockAsync(AdvisoryLock.AdminAuditChain(entry.ZoneId));
        var head = await work.Connection.QueryFirstOrDefaultAsync<Head>(
            $"SELECT chain_seq, content_sha256 FROM admin_audit_events WHERE {ZoneCondition(entry.ZoneId)} ORDER BY chain_seq DESC LIMIT 1",
            new { zoneId = entry.ZoneId });
        var row = AdminAuditHash.Link(entry, head is null ? ChainHead.Empty : new ChainHead(head.ChainSeq, head.ContentSha256), key);
        await work.Connection.ExecuteAsync(
            """
            INSERT INTO admin_audit_events (id, request_id, actor_id, actor_name, actor_scope, action, method, path, zone_id,
                entity_type, entity_id, status_code, payload_json, occurred_at, content_sha256, prev_content_sha256,
                chain_hmac, chain_seq, hmac_key_id)
            VALUES (@Id, @RequestId, @ActorId, @ActorName, @ActorScope, @Action, @Method, @Path, @ZoneId, @EntityType, @EntityId,
                @StatusCode, @payload, @OccurredAt, @ContentSha256, @PrevContentSha256, @ChainHmac, @ChainSeq, @HmacKeyId)
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
                payload = row.Entry.PayloadJson is null ? (JsonText?)null : new JsonText(row.Entry.PayloadJson),
                row.Entry.OccurredAt,
                row.ContentSha256,
                row.PrevContentSha256,
                row.ChainHmac,
                row.ChainSeq,
                row.HmacKeyId,
            });
    }

    /// <summary>Changes of one zone, or the global chain when <paramref name="zoneId"/> is null; newest first.</summary>
    public static Task<IReadOnlyList<AdminAuditListRow>> ListAsync(DbConnection connection, string? zoneId, AdminAuditFilter filter, PageQuery page)
    {
        var conditions = new Filter();
        if (zoneId is null) conditions.And("zone_id IS NULL");
        else conditions.AndEqual("zone_id", "zoneId", zoneId);
        if (filter.Since is { } since) conditions.And("occurred_at >= @since", "since", since);
        if (filter.Until is { } until) conditions.And("occurred_at < @until", "until", until);
        return conditions
            .AndEqual("actor_id", "actorId", filter.ActorId)
            .AndEqual("entity_type", "entityType", filter.EntityType)
            .AndEqual("entity_id", "entityId", filter.EntityId)
            .AndEqual("method", "method", filter.Method)
            .PageAsync<AdminAuditListRow>(connection, Select, page, "occurred_at");
    }

    private static string ZoneCondition(string? zoneId) => zoneId is null ? "zone_id IS NULL" : "zone_id = @zoneId";

    private sealed record Head
    {
        public long ChainSeq { get; init; }
        public string ContentSha256 { get; init; } = "";
    }
}
