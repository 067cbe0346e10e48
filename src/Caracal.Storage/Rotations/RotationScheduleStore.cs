using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Rotations;

/// <summary>What the schedule means to do with one class.</summary>
public sealed record ScheduleRow
{
    public string Class { get; init; } = "";
    public long MaxAgeSeconds { get; init; }

    /// <summary>When it may begin, as it was written in the settings.</summary>
    public string Calendar { get; init; } = "";

    /// <summary>When the current value reaches its age; null while nobody knows its age.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>When it will be rotated: due, announced, inside its window, and not just after somebody went back.</summary>
    public DateTimeOffset? BeginsAt { get; init; }

    /// <summary>The value whose rotation was announced.</summary>
    public string? AnnouncedSid { get; init; }
    public DateTimeOffset? AnnouncedAt { get; init; }

    /// <summary>Why the schedule cannot rotate this class; null when it can.</summary>
    public string? Refusal { get; init; }

    /// <summary>Since when a rotation of the schedule does not go on, or the last one was given up.</summary>
    public DateTimeOffset? StalledSince { get; init; }

    /// <summary>For people: what it waits for, by name.</summary>
    public string? Detail { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>The rows of <c>rotation_schedule</c>, written by one leader and shown by every replica.</summary>
public static class RotationScheduleStore
{
    private const string Columns =
        "class, max_age_seconds, calendar, due_at, begins_at, announced_sid, announced_at, refusal, stalled_since, detail, updated_at";

    public static async Task<IReadOnlyList<ScheduleRow>> ListAsync(DbConnection connection) =>
        (await connection.QueryAsync<ScheduleRow>($"SELECT {Columns} FROM rotation_schedule ORDER BY class")).AsList();

    public static Task PutAsync(Work work, ScheduleRow row) => work.Connection.ExecuteAsync(
        $"""
         INSERT INTO rotation_schedule ({Columns})
         VALUES (@Class, @MaxAgeSeconds, @Calendar, @DueAt, @BeginsAt, @AnnouncedSid, @AnnouncedAt, @Refusal, @StalledSince, @Detail, @UpdatedAt)
         ON CONFLICT (class) DO UPDATE SET max_age_seconds = excluded.max_age_seconds, calendar = excluded.calendar, due_at = excluded.due_at,
             begins_at = excluded.begins_at, announced_sid = excluded.announced_sid, announced_at = excluded.announced_at, refusal = excluded.refusal,
             stalled_since = excluded.stalled_since, detail = excluded.detail, updated_at = excluded.updated_at
         """,
        row);

    /// <summary>Forgets a class that is scheduled no more.</summary>
    public static Task ForgetAsync(Work work, string classId) =>
        work.Connection.ExecuteAsync("DELETE FROM rotation_schedule WHERE class = @classId", new { classId });
}
