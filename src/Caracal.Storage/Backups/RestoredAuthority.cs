using Caracal.Storage.Migrations;
using Dapper;

namespace Caracal.Storage.Backups;

/// <summary>What a restored store no longer allows.</summary>
public sealed record EndedAuthority(int Records, int Sessions, int Delegations, int Connections, int Holds, int AdminTokens, int SigningKeys)
{
    public int Total => Records + Sessions + Delegations + Connections + Holds + AdminTokens + SigningKeys;
}

/// <summary>
/// Ends everything that lived when a backup was made. What was revoked between the backup and now is not in it, so nobody
/// can tell the revoked from the rest: none of it comes back (operations.md 9).
/// </summary>
public static class RestoredAuthority
{
    /// <summary>The reason that records and sessions carry.</summary>
    public const string Reason = "restored";

    // Resource servers never go back to a lower epoch. Nobody revokes this often between a backup and its restore.
    private const long EpochLeap = 1_000_000;

    /// <summary>Ends it, in one transaction.</summary>
    public static Task<EndedAuthority> EndAsync(Database database, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteAsync(
        async work =>
        {
            var ended = new EndedAuthority(
                await RunAsync(work, "UPDATE authority_records SET status = 'revoked', revoked_at = @now, revoked_reason = @Reason WHERE status = 'active'", now),
                await RunAsync(
                    work,
                    """
                    UPDATE sessions SET status = 'terminated', terminated_at = @now, termination_reason = @Reason, child_count = 0, updated_at = @now
                    WHERE status IN ('active', 'suspended')
                    """,
                    now),
                await RunAsync(
                    work, "UPDATE delegation_edges SET status = 'revoked', revoked_at = @now, updated_at = @now, edge_version = edge_version + 1 WHERE status = 'active'", now),
                await RunAsync(
                    work,
                    "UPDATE provider_connections SET status = 'revoked', access_token_ct = NULL, refresh_token_ct = NULL, updated_at = @now WHERE status = 'active'",
                    now),
                await RunAsync(work, "UPDATE step_up_challenges SET consumed_at = @now WHERE consumed_at IS NULL", now),
                await RunAsync(work, "UPDATE admin_tokens SET revoked_at = @now WHERE revoked_at IS NULL", now),

                // One of them may have been taken out as compromised since; the STS makes a new one when it is first asked.
                await RunAsync(
                    work,
                    "UPDATE secrets SET state = 'retired', retired_at = @now, updated_at = @now WHERE name = 'zone_signing_key' AND state IN ('next', 'active', 'previous')",
                    now));
            await RunAsync(work, "UPDATE credential_secrets SET state = 'retired' WHERE state = 'previous'", now);
            await RunAsync(work, "DELETE FROM service_instances", now);
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) SELECT id, @EpochLeap, @now FROM zones WHERE 1 = 1
                ON CONFLICT (zone_id) DO UPDATE SET epoch = delegation_graph_epochs.epoch + @EpochLeap, updated_at = excluded.updated_at
                """,
                new { EpochLeap, now });
            return ended;
        },
        cancellationToken);

    /// <summary>Brings an embedded copy to this version's schema, before anything else touches it.</summary>
    public static Task PrepareAsync(Database database, DateTimeOffset now, CancellationToken cancellationToken) =>
        Migrator.MigrateAsync(database, now, cancellationToken);

    private static Task<int> RunAsync(Work work, string sql, DateTimeOffset now) => work.Connection.ExecuteAsync(sql, new { now, Reason });
}
