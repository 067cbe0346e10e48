using Dapper;

namespace Caracal.Storage.TokenExchange;

/// <summary>Marks an authority record and everything minted under it revoked (sts.md 11, group <c>sts-revocation</c>).</summary>
public sealed class RevocationWriter(Database database)
{
    /// <summary>The first reason and time are kept. Returns how many records this call revoked.</summary>
    public Task<int> RevokeTreeAsync(string zoneId, string recordId, string? reason, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async work =>
            {
                await work.LockAsync($"delegation:{zoneId}");
                return await work.Connection.ExecuteAsync(
                    """
                    WITH RECURSIVE tree (id) AS (
                        SELECT id FROM authority_records WHERE id = @recordId AND zone_id = @zoneId
                        UNION
                        SELECT r.id FROM authority_records r JOIN tree t ON r.parent_id = t.id WHERE r.zone_id = @zoneId)
                    UPDATE authority_records SET status = 'revoked', revoked_at = @now, revoked_reason = @reason
                    WHERE id IN (SELECT id FROM tree) AND status <> 'revoked'
                    """,
                    new { zoneId, recordId, reason = string.IsNullOrEmpty(reason) ? "session_revoked" : reason, now });
            },
            cancellationToken);
}
