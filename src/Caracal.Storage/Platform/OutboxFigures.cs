using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Platform;

/// <summary>How the outbox stands, for readiness and metrics (api.md 14).</summary>
public sealed record OutboxFigures
{
    public long Pending { get; init; }
    public long Dead { get; init; }
    public DateTimeOffset? OldestPending { get; init; }
    public DateTimeOffset? OldestDead { get; init; }

    public static Task<OutboxFigures> ReadAsync(DbConnection connection, ISqlDialect dialect) =>
        connection.QuerySingleAsync<OutboxFigures>(
            $"""
             SELECT count(CASE WHEN available_at < {dialect.Infinity} THEN 1 END) AS pending,
                    count(CASE WHEN available_at = {dialect.Infinity} THEN 1 END) AS dead,
                    min(CASE WHEN available_at < {dialect.Infinity} THEN created_at END) AS oldest_pending,
                    min(CASE WHEN available_at = {dialect.Infinity} THEN created_at END) AS oldest_dead
             FROM event_outbox WHERE dispatched_at IS NULL
             """);
}
