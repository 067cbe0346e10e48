using Caracal.Protocol;
using Caracal.Storage.Outbox;
using Dapper;

namespace Caracal.Storage.TokenExchange;

/// <summary>Ends an authority record and everything minted under it, and announces each end in the same transaction (RFC 7009).</summary>
public sealed class TokenRevocation(Database database, EventOutbox outbox)
{
    private const string Reason = "token_revoked";

    /// <summary>Returns how many records this call ended; 0 when it was over already.</summary>
    public Task<int> RevokeAsync(string zoneId, string recordId, string requestId, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async work =>
            {
                await work.LockAsync($"delegation:{zoneId}");
                var ended = (await work.Connection.QueryAsync<string>(
                    """
                    WITH RECURSIVE tree (id) AS (
                        SELECT id FROM authority_records WHERE id = @recordId AND zone_id = @zoneId
                        UNION
                        SELECT r.id FROM authority_records r JOIN tree t ON r.parent_id = t.id WHERE r.zone_id = @zoneId)
                    UPDATE authority_records SET status = 'revoked', revoked_at = @now, revoked_reason = @Reason
                    WHERE id IN (SELECT id FROM tree) AND status = 'active'
                    RETURNING id
                    """,
                    new { zoneId, recordId, now, Reason })).AsList();
                foreach (var id in ended)
                {
                    await outbox.EnqueueAsync(
                        work, Topics.SessionsRevoke, [new("zone_id", zoneId), new("session_id", id), new("reason", Reason)], requestId, now);
                }

                return ended.Count;
            },
            cancellationToken);

    /// <summary>True when a Gateway mandate was exchanged already; <paramref name="usedUntil"/> is what the exchange wrote down with it.</summary>
    public Task<bool> IsSpentAsync(string jti, DateTimeOffset usedUntil, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection => await connection.ExecuteScalarAsync<long>(
                "SELECT count(*) FROM used_mandates WHERE expires_at = @usedUntil AND jti = @jti", new { usedUntil, jti }) > 0,
            cancellationToken);
}
