using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Rotations;

/// <summary>The chained evidence of rotations: added, never changed (operations.md 4.8).</summary>
public static class RotationEventStore
{
    /// <summary>Number and hash of the last line; (0, "") before the first.</summary>
    public static async Task<(long Sequence, string Hash)> LastAsync(DbConnection connection, string rotationId) =>
        await connection.QueryFirstOrDefaultAsync<(long, string)?>(
            "SELECT seq, hash FROM key_rotation_events WHERE rotation_id = @rotationId ORDER BY seq DESC LIMIT 1", new { rotationId }) ?? (0, "");

    /// <summary>Name of the last line's event; null before the first.</summary>
    public static Task<string?> LastNameAsync(DbConnection connection, string rotationId) => connection.QueryFirstOrDefaultAsync<string?>(
        "SELECT event FROM key_rotation_events WHERE rotation_id = @rotationId ORDER BY seq DESC LIMIT 1", new { rotationId });

    public static Task AppendAsync(Work work, string rotationId, long sequence, string name, string line, string hash, DateTimeOffset at) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO key_rotation_events (rotation_id, seq, event, line, hash, at) VALUES (@rotationId, @sequence, @name, @line, @hash, @at)
            """,
            new { rotationId, sequence, name, line, hash, at });

    public static async Task<IReadOnlyList<string>> LinesAsync(DbConnection connection, string rotationId) =>
        (await connection.QueryAsync<string>(
            "SELECT line FROM key_rotation_events WHERE rotation_id = @rotationId ORDER BY seq", new { rotationId })).AsList();
}
