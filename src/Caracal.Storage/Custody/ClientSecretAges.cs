using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Custody;

/// <summary>Since when the oldest client secrets are in use: the copy in custody says when it was written last, the row when it began.</summary>
public static class ClientSecretAges
{
    /// <summary>Of a living application that has a secret; null when there is none.</summary>
    public static Task<DateTimeOffset?> OldestApplicationAsync(DbConnection connection) => connection.ExecuteScalarAsync<DateTimeOffset?>(
        """
        SELECT min(coalesce(s.updated_at, a.created_at)) FROM applications a
        LEFT JOIN secret_store s ON s.ref = 'zones/' || a.zone_id || '/applications/' || a.id || '/clientSecret'
        WHERE a.archived_at IS NULL AND a.client_secret_hash IS NOT NULL
        """);

    /// <summary>Of a workload; null when there is none.</summary>
    public static Task<DateTimeOffset?> OldestWorkloadAsync(DbConnection connection) => connection.ExecuteScalarAsync<DateTimeOffset?>(
        """
        SELECT min(coalesce(s.updated_at, w.created_at)) FROM workloads w
        LEFT JOIN secret_store s ON s.ref = 'zones/' || w.zone_id || '/workloads/' || w.id || '/secret'
        """);
}
