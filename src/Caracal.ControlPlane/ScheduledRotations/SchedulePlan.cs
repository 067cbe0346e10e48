using Caracal.Keys.Rotation;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>When a class is due, announced and begun, decided without touching anything.</summary>
internal static class SchedulePlan
{
    /// <summary>After a rotation was given up.</summary>
    public static readonly TimeSpan PauseAfterAbort = TimeSpan.FromHours(24);

    /// <summary>After somebody went back to the old value: a person has a reason for that, and takes the time to remove it.</summary>
    public static readonly TimeSpan PauseAfterRollback = TimeSpan.FromDays(7);

    /// <summary>The row of a class as it is now; the announcement is part of it as soon as it is due.</summary>
    public static ScheduleRow Of(
        ScheduledClass scheduled, RegisteredKey? active, RotationRow? last, ScheduleRow? before, string? refusal, TimeSpan notice, DateTimeOffset now)
    {
        var isOpen = last is not null && RotationState.IsOpen(last.State);
        var due = active?.ActivatedAt is { } since && !isOpen ? since + scheduled.MaximumAge : (DateTimeOffset?)null;
        var announced = active is not null && before?.AnnouncedSid == active.Sid ? before.AnnouncedAt : null;
        if (refusal is null && due is { } at && now >= at - notice) announced ??= now;
        var row = (before ?? new ScheduleRow()) with
        {
            Class = scheduled.Class,
            MaxAgeSeconds = (long)scheduled.MaximumAge.TotalSeconds,
            Calendar = scheduled.Window.ToString(),
            DueAt = due,
            AnnouncedSid = announced is null ? null : active!.Sid,
            AnnouncedAt = announced,
            Refusal = refusal,
            BeginsAt = due is null || refusal is not null ? null : Begins(scheduled, due.Value, announced, last, notice, now),
        };
        return isOpen || row.StalledSince is not null ? row : row with { Detail = null };
    }

    /// <summary>Whether the class is rotated at this look.</summary>
    public static bool Begins(ScheduleRow row, ScheduledClass scheduled, DateTimeOffset now) =>
        row is { Refusal: null, AnnouncedAt: not null, BeginsAt: { } at } && at <= now && scheduled.Window.Contains(now);

    private static DateTimeOffset Begins(
        ScheduledClass scheduled, DateTimeOffset due, DateTimeOffset? announced, RotationRow? last, TimeSpan notice, DateTimeOffset now)
    {
        var earliest = Later(due, (announced ?? due - notice) + notice);
        if (last is { State: RotationState.Aborted, EndedAt: { } aborted }) earliest = Later(earliest, aborted + PauseAfterAbort);
        if (last is { State: RotationState.RolledBack, EndedAt: { } back }) earliest = Later(earliest, back + PauseAfterRollback);

        // A window that nobody used is over; while it is open its begin stays what it was.
        return earliest <= now && scheduled.Window.Contains(now) ? earliest : scheduled.Window.NextOpen(Later(earliest, now));
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
}
