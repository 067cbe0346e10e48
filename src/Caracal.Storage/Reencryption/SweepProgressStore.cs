using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Reencryption;

/// <summary>How far the sweep of one family is.</summary>
public sealed record SweepProgress
{
    public string Family { get; init; } = "";
    public string LastKey { get; init; } = "";
    public long Examined { get; init; }
    public long Resealed { get; init; }
    public long Raced { get; init; }
    public long Failed { get; init; }
    public long Passes { get; init; }

    /// <summary>When a whole pass first left no row under another key; null while some are left.</summary>
    public DateTimeOffset? ZeroAt { get; init; }
}

/// <summary>Progress of re-encryption, committed with each batch, so that a killed sweep goes on (operations.md 4.6.1).</summary>
public static class SweepProgressStore
{
    public static async Task<IReadOnlyList<SweepProgress>> ListAsync(DbConnection connection, string rotationId) =>
        (await connection.QueryAsync<SweepProgress>(
            """
            SELECT family, last_key, examined, resealed, raced, failed, passes, zero_at FROM key_rotation_progress
            WHERE rotation_id = @rotationId ORDER BY family
            """,
            new { rotationId })).AsList();

    public static async Task SaveAsync(Work work, string rotationId, SweepProgress progress, IReadOnlyList<string> failed, DateTimeOffset now)
    {
        await work.Connection.ExecuteAsync(
            """
            INSERT INTO key_rotation_progress (rotation_id, family, last_key, examined, resealed, raced, failed, passes, zero_at, updated_at)
            VALUES (@rotationId, @Family, @LastKey, @Examined, @Resealed, @Raced, @Failed, @Passes, @ZeroAt, @now)
            ON CONFLICT (rotation_id, family) DO UPDATE SET last_key = excluded.last_key, examined = excluded.examined,
                resealed = excluded.resealed, raced = excluded.raced, failed = excluded.failed, passes = excluded.passes,
                zero_at = excluded.zero_at, updated_at = excluded.updated_at
            """,
            new
            {
                rotationId,
                progress.Family,
                progress.LastKey,
                progress.Examined,
                progress.Resealed,
                progress.Raced,
                progress.Failed,
                progress.Passes,
                progress.ZeroAt,
                now,
            });
        foreach (var key in failed)
        {
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO key_rotation_failures (rotation_id, family, row_key, noted_at) VALUES (@rotationId, @Family, @key, @now)
                ON CONFLICT (rotation_id, family, row_key) DO NOTHING
                """,
                new { rotationId, progress.Family, key, now });
        }
    }

    /// <summary>Rows that did not open, a few of them.</summary>
    public static async Task<IReadOnlyList<string>> FailuresAsync(DbConnection connection, string rotationId) =>
        (await connection.QueryAsync<string>(
            "SELECT family || ' ' || row_key FROM key_rotation_failures WHERE rotation_id = @rotationId ORDER BY 1 LIMIT 20", new { rotationId })).AsList();
}
