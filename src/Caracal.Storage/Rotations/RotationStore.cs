using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.Rotations;

/// <summary>Rotations, the lock that lets one class rotate at a time, and their evidence (operations.md 4.3, 4.8).</summary>
public static class RotationStore
{
    private const string Columns =
        """
        id, class, scope, state, from_sid, to_sid, location, version_label, reason_kind, reason, actor, actor_token_id, overlap_seconds,
        rollback_window_seconds, emergency, created_at, updated_at, rolled_at, verified_at, ended_at
        """;

    /// <summary>Held while a step executes (operations.md 4.3).</summary>
    public static readonly AdvisoryLock StepLock = AdvisoryLock.Job(0x4341524130303034);

    /// <summary>Takes the one-class lock for another rotation of the class; false while another class holds it.</summary>
    public static async Task<bool> TakeLockAsync(Work work, string classId)
    {
        var holder = await work.Connection.ExecuteScalarAsync<string?>($"SELECT class FROM rotation_lock WHERE id = 1 {work.Dialect.ForUpdate}");
        if (holder is not null && holder != classId) return false;
        await work.Connection.ExecuteAsync("UPDATE rotation_lock SET class = @classId, open_count = open_count + 1 WHERE id = 1", new { classId });
        return true;
    }

    /// <summary>Whether no other class holds the lock now; whoever goes on takes it.</summary>
    public static async Task<bool> IsLockFreeAsync(DbConnection connection, string classId) =>
        await connection.ExecuteScalarAsync<string?>("SELECT class FROM rotation_lock WHERE id = 1") is not { } holder || holder == classId;

    public static Task ReleaseLockAsync(Work work) => work.Connection.ExecuteAsync(
        """
        UPDATE rotation_lock SET class = CASE WHEN open_count > 1 THEN class END, open_count = CASE WHEN open_count > 0 THEN open_count - 1 ELSE 0 END
        WHERE id = 1
        """);

    public static Task InsertAsync(Work work, RotationRow row) => work.Connection.ExecuteAsync(
        $"""
         INSERT INTO key_rotations ({Columns})
         VALUES (@Id, @Class, @Scope, @State, @FromSid, @ToSid, @Location, @VersionLabel, @ReasonKind, @Reason, @Actor, @ActorTokenId, @OverlapSeconds,
                 @RollbackWindowSeconds, @Emergency, @CreatedAt, @UpdatedAt, @RolledAt, @VerifiedAt, @EndedAt)
         """,
        row);

    public static Task UpdateAsync(Work work, RotationRow row) => work.Connection.ExecuteAsync(
        """
        UPDATE key_rotations SET state = @State, updated_at = @UpdatedAt, rolled_at = @RolledAt, verified_at = @VerifiedAt, ended_at = @EndedAt
        WHERE id = @Id
        """,
        row);

    public static Task<RotationRow?> FindAsync(DbConnection connection, string id) =>
        connection.QuerySingleOrDefaultAsync<RotationRow>($"SELECT {Columns} FROM key_rotations WHERE id = @id", new { id });

    /// <summary>The open rotation of a class and scope.</summary>
    public static Task<RotationRow?> FindOpenAsync(DbConnection connection, string classId, string scope) =>
        connection.QuerySingleOrDefaultAsync<RotationRow>(
            $"""
             SELECT {Columns} FROM key_rotations
             WHERE class = @classId AND scope = @scope AND state IN ('prepared', 'deployed', 'rolled', 'verified')
             """,
            new { classId, scope });

    /// <summary>The newest of each class and scope, open or ended.</summary>
    public static async Task<IReadOnlyList<RotationRow>> NewestAsync(DbConnection connection) =>
        (await connection.QueryAsync<RotationRow>(
            $"""
             SELECT {Columns} FROM key_rotations WHERE id IN (
                 SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY class, scope ORDER BY created_at DESC, id DESC) AS place FROM key_rotations) ranked
                 WHERE place = 1)
             """)).AsList();

    /// <summary>Newest first.</summary>
    public static Task<IReadOnlyList<RotationRow>> ListAsync(DbConnection connection, string? classId, string? state, PageQuery page) =>
        new Filter().AndEqual("class", "class", classId).AndEqual("state", "state", state)
            .PageAsync<RotationRow>(connection, $"SELECT {Columns} FROM key_rotations", page);

    /// <summary>When each class was last rolled and stayed so.</summary>
    public static async Task<IReadOnlyDictionary<string, DateTimeOffset>> LastRolledAsync(DbConnection connection) =>
        (await connection.QueryAsync<(string Class, DateTimeOffset At)>(
            "SELECT class, max(rolled_at) FROM key_rotations WHERE rolled_at IS NOT NULL AND state <> 'rolled_back' GROUP BY class"))
        .ToDictionary(row => row.Class, row => row.At, StringComparer.Ordinal);
}
