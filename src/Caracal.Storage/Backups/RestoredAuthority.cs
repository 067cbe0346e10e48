using System.Data.Common;
using Caracal.Storage.Migrations;
using Dapper;

namespace Caracal.Storage.Backups;

/// <summary>What a restored store no longer allows.</summary>
public sealed record EndedAuthority(int Records, int Sessions, int Delegations, int Connections, int Holds, int AdminTokens, int SigningKeys, int Policies);

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
    public static Task<EndedAuthority> EndAsync(Database database, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(work => EndAsync(work.Connection, now), cancellationToken);

    /// <summary>Ends it in the transaction that is open on the connection.</summary>
    public static async Task<EndedAuthority> EndAsync(DbConnection connection, DateTimeOffset now)
    {
        var ended = new EndedAuthority(
            await RunAsync("UPDATE authority_records SET status = 'revoked', revoked_at = @now, revoked_reason = @Reason WHERE status = 'active'"),
            await RunAsync(
                """
                UPDATE sessions SET status = 'terminated', terminated_at = @now, termination_reason = @Reason, child_count = 0, updated_at = @now
                WHERE status IN ('active', 'suspended')
                """),
            await RunAsync("UPDATE delegation_edges SET status = 'revoked', revoked_at = @now, updated_at = @now, edge_version = edge_version + 1 WHERE status = 'active'"),
            await RunAsync("UPDATE provider_connections SET status = 'revoked', access_token_ct = NULL, refresh_token_ct = NULL, updated_at = @now WHERE status = 'active'"),
            await RunAsync("UPDATE step_up_challenges SET consumed_at = @now WHERE consumed_at IS NULL"),
            await RunAsync("UPDATE admin_tokens SET revoked_at = @now WHERE revoked_at IS NULL"),

            // One of them may have been taken out as compromised since; the STS makes a new one when it is first asked.
            await RunAsync("UPDATE secrets SET state = 'retired', retired_at = @now, updated_at = @now WHERE name = 'zone_signing_key' AND state IN ('next', 'active', 'previous')"),

            // It may have been tightened since, or frozen; without an active version every request is denied.
            await RunAsync("UPDATE policy_set_bindings SET active_version_id = NULL, updated_at = @now WHERE active_version_id IS NOT NULL"));
        await RunAsync("UPDATE credential_secrets SET state = 'retired' WHERE state = 'previous'");
        await RunAsync("DELETE FROM service_instances");
        await connection.ExecuteAsync(
            """
            INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) SELECT id, @EpochLeap, @now FROM zones WHERE 1 = 1
            ON CONFLICT (zone_id) DO UPDATE SET epoch = delegation_graph_epochs.epoch + @EpochLeap, updated_at = excluded.updated_at
            """,
            new { EpochLeap, now });
        return ended;

        Task<int> RunAsync(string sql) => connection.ExecuteAsync(sql, new { now, Reason });
    }

    /// <summary>Brings an embedded copy to this version's schema, before anything else touches it.</summary>
    public static Task PrepareAsync(Database database, DateTimeOffset now, CancellationToken cancellationToken) =>
        Migrator.MigrateAsync(database, now, cancellationToken);
}
