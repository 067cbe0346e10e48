using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Platform;

/// <summary>A stored platform limit and who set it.</summary>
public sealed record PlatformLimit
{
    public long Value { get; init; }
    public string? UpdatedBy { get; init; }
    public DateTimeOffset? UpdatedAt { get; init; }
}

/// <summary>The single rows of <c>audit_retention</c> and <c>sts_rate_limit</c> (api.md 11.9).</summary>
public static class PlatformLimitStore
{
    public static Task<PlatformLimit?> FindRetentionAsync(DbConnection connection) =>
        connection.QuerySingleOrDefaultAsync<PlatformLimit>("SELECT retention_days AS value, updated_by, updated_at FROM audit_retention");

    public static Task SetRetentionAsync(Work work, long days, string actor, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO audit_retention (singleton, retention_days, updated_by, updated_at) VALUES (@singleton, @days, @actor, @now)
            ON CONFLICT (singleton) DO UPDATE SET retention_days = excluded.retention_days, updated_by = excluded.updated_by, updated_at = excluded.updated_at
            """,
            new { singleton = true, days, actor, now });

    public static Task<PlatformLimit?> FindMintRateAsync(DbConnection connection) =>
        connection.QuerySingleOrDefaultAsync<PlatformLimit>("SELECT limit_per_minute AS value, updated_by, updated_at FROM sts_rate_limit");

    public static Task SetMintRateAsync(Work work, long limit, string actor, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO sts_rate_limit (singleton, limit_per_minute, updated_by, updated_at) VALUES (@singleton, @limit, @actor, @now)
            ON CONFLICT (singleton) DO UPDATE SET limit_per_minute = excluded.limit_per_minute, updated_by = excluded.updated_by, updated_at = excluded.updated_at
            """,
            new { singleton = true, limit, actor, now });
}
