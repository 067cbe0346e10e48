using Caracal.Hosting.Settings;
using Caracal.Keys.Rotation;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>How keys rotate by themselves; off unless <c>ROTATION_SCHEDULE=on</c> (operations.md 4).</summary>
public sealed record ScheduleSettings
{
    public required RotationSchedule Schedule { get; init; }

    /// <summary>How long before its begin a rotation is announced.</summary>
    public TimeSpan Notice { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long a gate may stay closed before somebody is called, and before a rotation nobody signs with yet is given up.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long the old value is kept to go back to.</summary>
    public TimeSpan RollbackWindow { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Between two looks, and between two tries to lead.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The folder whose slot files are rotated; null where keys come from variables.</summary>
    public string? Secrets { get; init; }

    /// <summary>A backup, or a folder of them: the newest that is whole tells when one was taken. Without it <c>zone-kek</c> is not scheduled.</summary>
    public string? Backups { get; init; }

    /// <summary>Null when the schedule is off; its other settings are checked all the same.</summary>
    public static ScheduleSettings? Read(SettingsReader reader)
    {
        var isOn = reader.Boolean("ROTATION_SCHEDULE", false);
        if (!CalendarWindow.TryParse(reader.Text("ROTATION_SCHEDULE_WINDOW", "02:00-05:00"), out var window))
        {
            reader.Fault("ROTATION_SCHEDULE_WINDOW must be hours in UTC such as 02:00-05:00, with days such as Mon-Fri or Sat,Sun before them, or always");
        }

        var settings = new ScheduleSettings
        {
            Schedule = RotationSchedule.Read(window, reader.Text("ROTATION_SCHEDULE_CLASSES", ""), fault => reader.Fault("ROTATION_SCHEDULE_CLASSES: " + fault)),
            Notice = TimeSpan.FromHours(reader.Integer("ROTATION_SCHEDULE_NOTICE_HOURS", 24, 0, 720)),
            Patience = TimeSpan.FromSeconds(reader.Integer("ROTATION_SCHEDULE_PATIENCE_SECONDS", 900, 1, 86_400)),
            RollbackWindow = TimeSpan.FromSeconds(reader.Integer("ROTATION_SCHEDULE_ROLLBACK_SECONDS", 86_400, 1_800, 2_592_000)),
            Poll = TimeSpan.FromSeconds(reader.Integer("ROTATION_SCHEDULE_POLL_SECONDS", 5, 1, 3_600)),
            Secrets = reader.Text("CARACAL_SECRETS_DIR"),
            Backups = reader.Text("ROTATION_SCHEDULE_BACKUPS"),
        };
        if (!isOn) return null;
        if (settings.Schedule.Classes.IsEmpty) reader.Fault("ROTATION_SCHEDULE_CLASSES leaves no class that ROTATION_SCHEDULE could rotate");
        if (settings.Secrets is null) reader.Warn("ROTATION_SCHEDULE without CARACAL_SECRETS_DIR rotates nothing but zone signing keys: other values come from variables here");
        return settings;
    }
}
