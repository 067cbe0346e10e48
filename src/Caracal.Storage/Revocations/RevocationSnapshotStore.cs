using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Revocations;

/// <summary>What the database calls revoked, ended or suspended in the last 24 hours (gateway.md A7).</summary>
/// <param name="Records">Ids of revoked authority records.</param>
/// <param name="EndedSessions">Ids of terminated and expired Sessions.</param>
/// <param name="SuspendedSessions">Ids of suspended Sessions.</param>
/// <param name="Delegations">Ids of revoked delegations.</param>
public sealed record RevocationAnchors(
    IReadOnlyList<string> Records, IReadOnlyList<string> EndedSessions,
    IReadOnlyList<string> SuspendedSessions, IReadOnlyList<string> Delegations);

/// <summary>The Gateway's only look into the database: three tables, all zones, ids only (storage.md 2).</summary>
public sealed class RevocationSnapshotStore(Database database)
{
    private static readonly TimeSpan Window = TimeSpan.FromHours(24);

    /// <summary>Reads all three tables at one moment.</summary>
    public Task<RevocationAnchors> ReadAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        database.ReadSnapshotAsync(connection => ReadAsync(connection, now - Window), cancellationToken);

    private static async Task<RevocationAnchors> ReadAsync(DbConnection connection, DateTimeOffset since)
    {
        var records = await connection.QueryAsync<string>(
            "SELECT id FROM authority_records WHERE status = 'revoked' AND expires_at > @since", new { since });
        var sessions = await connection.QueryAsync<(string Id, string Status)>(
            "SELECT id, status FROM sessions WHERE status IN ('terminated', 'expired', 'suspended') AND updated_at > @since",
            new { since });
        var delegations = await connection.QueryAsync<string>(
            "SELECT id FROM delegation_edges WHERE status = 'revoked' AND revoked_at > @since", new { since });
        var bySuspension = sessions.ToLookup(session => session.Status == "suspended", session => session.Id);
        return new RevocationAnchors([.. records], [.. bySuspension[false]], [.. bySuspension[true]], [.. delegations]);
    }
}
