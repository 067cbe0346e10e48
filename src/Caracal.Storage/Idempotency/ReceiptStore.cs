using System.Data.Common;
using Caracal.Authority.Idempotency;
using Dapper;

namespace Caracal.Storage.Idempotency;

/// <summary>Table <c>coordinator_idempotency_receipts</c>: what a key created, and what was answered (coordinator.md 10).</summary>
public sealed class ReceiptStore
{
    private const string Columns =
        """
        id, operation, zone_id, scope_id, key_digest, request_digest, resource_type, resource_id, response_status,
        response_json, created_at, expires_at
        """;

    /// <summary>Deletes the expired receipt of the key and finds the one that holds, under any loaded key digest.</summary>
    public async Task<Receipt?> FindAsync(
        Work work, string operation, string zoneId, string scopeId, IReadOnlyList<byte[]> digests, DateTimeOffset now)
    {
        foreach (var digest in digests)
        {
            var parameters = new { operation, zoneId, scopeId, digest, now };
            await work.Connection.ExecuteAsync(
                """
                DELETE FROM coordinator_idempotency_receipts
                WHERE operation = @operation AND zone_id = @zoneId AND scope_id = @scopeId AND key_digest = @digest AND expires_at <= @now
                """,
                parameters);
            var receipt = await work.Connection.QuerySingleOrDefaultAsync<Receipt?>(
                $"""
                 SELECT {Columns} FROM coordinator_idempotency_receipts
                 WHERE operation = @operation AND zone_id = @zoneId AND scope_id = @scopeId AND key_digest = @digest
                 """,
                parameters);
            if (receipt is not null)
            {
                return receipt;
            }
        }

        return null;
    }

    public Task InsertAsync(Work work, Receipt receipt) =>
        work.Connection.ExecuteAsync(
            $"""
             INSERT INTO coordinator_idempotency_receipts ({Columns})
             VALUES (@Id, @Operation, @ZoneId, @ScopeId, @KeyDigest, @RequestDigest, @ResourceType, @ResourceId, @ResponseStatus,
                 @Response, @CreatedAt, @ExpiresAt)
             """,
            new
            {
                receipt.Id,
                receipt.Operation,
                receipt.ZoneId,
                receipt.ScopeId,
                receipt.KeyDigest,
                receipt.RequestDigest,
                receipt.ResourceType,
                receipt.ResourceId,
                receipt.ResponseStatus,
                Response = new JsonText(receipt.ResponseJson),
                receipt.CreatedAt,
                receipt.ExpiresAt,
            });

    /// <summary>Unexpired receipts of one scope.</summary>
    public Task<long> CountLiveAsync(Work work, string operation, string zoneId, string scopeId, DateTimeOffset now) =>
        work.Connection.ExecuteScalarAsync<long>(
            """
            SELECT count(*) FROM coordinator_idempotency_receipts
            WHERE operation = @operation AND zone_id = @zoneId AND scope_id = @scopeId AND expires_at > @now
            """,
            new { operation, zoneId, scopeId, now });

    /// <summary>
    /// Drops the oldest receipts of starts that protect nothing any more: kept for a day only (a generated key) and
    /// their Session has ended.
    /// </summary>
    public Task<int> DropIdleStartsAsync(Work work, string zoneId, string scopeId, TimeSpan generatedRetention, int limit) =>
        work.Connection.ExecuteAsync(
            $"""
             DELETE FROM coordinator_idempotency_receipts WHERE id IN (
                 SELECT r.id FROM coordinator_idempotency_receipts r
                 WHERE r.operation = 'session.start.v2' AND r.zone_id = @zoneId AND r.scope_id = @scopeId
                   AND {work.Dialect.AddSeconds("r.created_at", "@seconds")} >= r.expires_at
                   AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = r.resource_id AND s.status IN ('active', 'suspended'))
                 ORDER BY r.created_at, r.id LIMIT @limit)
             """,
            new { zoneId, scopeId, seconds = (long)generatedRetention.TotalSeconds, limit });

    /// <summary>Drops the oldest receipts of delegations whose edge is no longer live.</summary>
    public Task<int> DropIdleDelegationsAsync(Work work, string zoneId, string scopeId, DateTimeOffset now, int limit) =>
        work.Connection.ExecuteAsync(
            """
            DELETE FROM coordinator_idempotency_receipts WHERE id IN (
                SELECT r.id FROM coordinator_idempotency_receipts r
                WHERE r.operation = 'delegation.create.v2' AND r.zone_id = @zoneId AND r.scope_id = @scopeId
                  AND NOT EXISTS (SELECT 1 FROM delegation_edges e
                                  WHERE e.id = r.resource_id AND e.status = 'active' AND e.expires_at > @now)
                ORDER BY r.created_at, r.id LIMIT @limit)
            """,
            new { zoneId, scopeId, now, limit });

    public Task<int> DeleteExpiredAsync(Work work, DateTimeOffset now, int limit) =>
        work.Connection.ExecuteAsync(
            """
            DELETE FROM coordinator_idempotency_receipts WHERE id IN (
                SELECT id FROM coordinator_idempotency_receipts WHERE expires_at <= @now ORDER BY expires_at LIMIT @limit)
            """,
            new { now, limit });

    /// <summary>How many receipts there are, and when the oldest was made.</summary>
    public Task<(long Rows, DateTimeOffset? Oldest)> FiguresAsync(DbConnection connection) =>
        connection.QuerySingleAsync<(long, DateTimeOffset?)>("SELECT count(*), min(created_at) FROM coordinator_idempotency_receipts");
}
