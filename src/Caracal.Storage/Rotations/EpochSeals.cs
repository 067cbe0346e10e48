using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Rotations;

/// <summary>What Audit says of the seals of one rotation.</summary>
/// <param name="Chains">Chains that the old key had signed.</param>
/// <param name="Problems">Findings in their rows, and older seals that no key vouches for.</param>
public sealed record EpochSeals(long Chains, long Problems)
{
    /// <summary>Null until every chain is sealed.</summary>
    public static Task<EpochSeals?> FindAsync(DbConnection connection, string rotationId) => connection.QuerySingleOrDefaultAsync<EpochSeals>(
        "SELECT chains, problems FROM audit_rotation_seals WHERE rotation_id = @rotationId", new { rotationId });
}
