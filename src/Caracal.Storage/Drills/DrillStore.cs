using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Drills;

/// <summary>One row of <c>ops_drills</c>.</summary>
public sealed record DrillRow
{
    public required string Id { get; init; }

    /// <summary>Name of the drill.</summary>
    public required string Name { get; init; }

    public required DateTimeOffset StartedAt { get; init; }
    public required DateTimeOffset EndedAt { get; init; }
    public required bool Passed { get; init; }

    /// <summary>Seconds of work that would be lost; null where nothing is brought back.</summary>
    public long? RpoSeconds { get; init; }

    /// <summary>Seconds until it worked again.</summary>
    public long? RtoSeconds { get; init; }

    /// <summary>What was looked at.</summary>
    public JsonText Detail { get; init; }
}

/// <summary>Drills that were run (operations.md 9, 10): appended, never changed.</summary>
public static class DrillStore
{
    private const string Columns = "id, name, started_at, ended_at, passed, rpo_seconds, rto_seconds, detail";

    public static Task AddAsync(Work work, DrillRow row) => work.Connection.ExecuteAsync(
        $"INSERT INTO ops_drills ({Columns}) VALUES (@Id, @Name, @StartedAt, @EndedAt, @Passed, @RpoSeconds, @RtoSeconds, @Detail)", row);

    /// <summary>The last run of a drill; null when there was none.</summary>
    public static Task<DrillRow?> FindLastAsync(DbConnection connection, string name) => connection.QueryFirstOrDefaultAsync<DrillRow>(
        $"SELECT {Columns} FROM ops_drills WHERE name = @name ORDER BY started_at DESC, id DESC LIMIT 1", new { name });
}
