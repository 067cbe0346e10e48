using System.Collections.Immutable;
using System.Data.Common;
using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Storage.Lists;

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

    private const string Head = "SELECT chain_seq, content_sha256 FROM admin_audit_events WHERE";

    // The embedded engine has the index that keeps a chain's numbers unique and no other for them; PostgreSQL would not use
    // an expression under row-level security.
    internal const string EmbeddedHead = $"{Head} coalesce(zone_id, '') = @zone ORDER BY chain_seq DESC LIMIT 1";
    private const string ZoneHead = $"{Head} zone_id = @zone ORDER BY chain_seq DESC LIMIT 1";
    private const string GlobalHead = $"{Head} zone_id IS NULL ORDER BY chain_seq DESC LIMIT 1";

    private static readonly ImmutableArray<BulkColumn> Columns =
    [
        new("id", BulkType.Text), new("request_id", BulkType.Text), new("actor_id", BulkType.Text), new("actor_name", BulkType.Text),
        new("actor_scope", BulkType.Text), new("action", BulkType.Text), new("method", BulkType.Text), new("path", BulkType.Text),
        new("zone_id", BulkType.Text), new("entity_type", BulkType.Text), new("entity_id", BulkType.Text), new("status_code", BulkType.Number),
        new("payload_json", BulkType.Json), new("occurred_at", BulkType.Time), new("content_sha256", BulkType.Text),
        new("prev_content_sha256", BulkType.Text), new("chain_hmac", BulkType.Text), new("chain_seq", BulkType.Number),
        new("hmac_key_id", BulkType.Text),
    ];

    /// <summary>Appends to the zone's chain in the transaction of the change it records (README ruling 23).</summary>
    public static async Task AppendAsync(Work work, AdminAuditEntry entry, HmacKey? key)
    {
        await work.LockAsync(AdvisoryLock.AdminAuditChain(entry.ZoneId));
        var row = AdminAuditHash.Link(entry, await HeadAsync(work, entry.ZoneId), key);
        var clean = row.Entry;
        object?[] values =
        [
            clean.Id, clean.RequestId, clean.ActorId, clean.ActorName, clean.ActorScope, clean.Action, clean.Method, clean.Path, clean.ZoneId,
            clean.EntityType, clean.EntityId, (long)clean.StatusCode, clean.PayloadJson, clean.OccurredAt, row.ContentSha256,
            row.PrevContentSha256, row.ChainHmac, row.ChainSeq, row.HmacKeyId,
        ];
        await work.Dialect.InsertManyAsync(work.Connection, new BulkInsert("INSERT INTO admin_audit_events", Columns, [values]));
    }

    private static async Task<ChainHead> HeadAsync(Work work, string? zoneId)
    {
        var text = work.Dialect.HasOneWriter ? EmbeddedHead : zoneId is null ? GlobalHead : ZoneHead;
        var command = ReferenceEquals(text, GlobalHead)
            ? PreparedStatements.Get(work.Connection, text)
            : PreparedStatements.Get(work.Connection, text, "@zone");
        if (command.Parameters.Count > 0)
        {
            command.Set(0, zoneId ?? "");
        }

        await using var head = await command.ExecuteReaderAsync();
        return await head.ReadAsync() ? new ChainHead(head.GetInt64(0), head.GetString(1)) : ChainHead.Empty;
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
}
