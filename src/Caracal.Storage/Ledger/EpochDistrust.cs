using System.Data.Common;
using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Ledger;
using Caracal.Protocol;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>Marks what others could have written with an audit key (operations.md 10). No service may: it is the administrator's.</summary>
public static class EpochDistrust
{
    /// <summary>
    /// Marks the epochs of a key, from a time on. They are found by the key id that rows name, or by the secret id that the
    /// registry knows. Which rows are later is decided by when Audit took them; all that follow in the epoch are marked with them.
    /// </summary>
    /// <returns>What is marked now of this key; null when no epoch of it is sealed.</returns>
    public static async Task<IReadOnlyList<UntrustedRows>?> MarkAsync(Work work, string key, DateTimeOffset after, string actor, string reason, DateTimeOffset now)
    {
        var epochs = (await work.Connection.QueryAsync<Epoch>(
            """
            SELECT id, chain, first_seq, last_seq, key_id FROM audit_epochs
            WHERE key_id = @key OR rotation_id IN (SELECT id FROM key_rotations WHERE class = 'audit-hmac' AND from_sid = @key)
            """,
            new { key })).AsList();
        if (epochs.Count == 0) return null;
        foreach (var epoch in epochs)
        {
            if (await FirstSinceAsync(work.Connection, epoch, after) is not { } first) continue;
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO audit_epoch_marks (id, epoch_id, untrusted_after, first_seq, marked_at, marked_by, reason)
                VALUES (@mark, @epoch, @after, @first, @now, @actor, @reason)
                """,
                new { mark = Ids.New(), epoch = epoch.Id, after, first, now, actor, reason });
        }

        return [.. (await EpochStore.ListUntrustedAsync(work.Connection)).Where(rows => rows.KeyId == epochs[0].KeyId)];
    }

    private static Task<long?> FirstSinceAsync(DbConnection connection, Epoch epoch, DateTimeOffset after) => connection.ExecuteScalarAsync<long?>(
        AdminAuditHash.ZoneOf(epoch.Chain) is null
            ? "SELECT min(chain_seq) FROM audit_events WHERE zone_id = @zone AND chain_seq BETWEEN @FirstSeq AND @LastSeq AND ingested_at >= @after"
            : "SELECT min(chain_seq) FROM admin_audit_events WHERE coalesce(zone_id, '') = @zone AND chain_seq BETWEEN @FirstSeq AND @LastSeq AND occurred_at >= @after",
        new { zone = AdminAuditHash.ZoneOf(epoch.Chain) ?? epoch.Chain, epoch.FirstSeq, epoch.LastSeq, after });

    private sealed record Epoch
    {
        public string Id { get; init; } = "";
        public string Chain { get; init; } = "";
        public long FirstSeq { get; init; }
        public long LastSeq { get; init; }
        public string KeyId { get; init; } = "";
    }
}
