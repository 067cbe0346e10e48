using Caracal.Authority.TokenExchange;
using Dapper;

namespace Caracal.Storage.Workloads;

/// <summary>A workload as it is launched: who it is and what it may ask for.</summary>
public sealed record LaunchableWorkload
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string Name { get; init; } = "";
    public string SecretHash { get; init; } = "";

    /// <summary>The stored JSON array of bindings.</summary>
    public string Bindings { get; init; } = "[]";
    public DateTimeOffset? ZoneArchivedAt { get; init; }
    public IReadOnlyList<PreviousSecret> PreviousSecrets { get; init; } = [];
}

/// <summary>Workloads as the STS reads them, by id alone: the caller does not say its zone (sts.md 9.4).</summary>
public sealed class LaunchStore(Database database)
{
    /// <summary>One workload with the secrets it may still present, or null.</summary>
    public Task<LaunchableWorkload?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.ReadSnapshotAsync(
            async connection =>
            {
                var workload = await connection.QuerySingleOrDefaultAsync<LaunchableWorkload?>(
                    """
                    SELECT w.id, w.zone_id, w.name, w.secret_hash, w.bindings, z.archived_at AS zone_archived_at
                    FROM workloads w JOIN zones z ON z.id = w.zone_id WHERE w.id = @id
                    """,
                    new { id });
                if (workload is null)
                {
                    return null;
                }

                var previous = await connection.QueryAsync<PreviousRow>(
                    """
                    SELECT id, hash, expires_at FROM credential_secrets
                    WHERE zone_id = @ZoneId AND owner = @owner AND state = 'previous' ORDER BY created_at DESC, id DESC
                    """,
                    new { workload.ZoneId, owner = $"workload:{id}" });
                return workload with { PreviousSecrets = [.. previous.Select(row => new PreviousSecret(row.Id, row.Hash, row.ExpiresAt))] };
            },
            cancellationToken);

    private sealed class PreviousRow
    {
        public string Id { get; set; } = "";
        public string Hash { get; set; } = "";
        public DateTimeOffset? ExpiresAt { get; set; }
    }
}
