using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>The slot files this process can change, and why it cannot change others: files are rotated where they are read from.</summary>
internal sealed class ScheduledMaterial(ScheduleSettings settings, TimeProvider time, KekRing keks)
{
    private const int MostPrevious = 3;
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(5);

    private readonly FinishedBackups? backups = settings.Backups is { } place ? new FinishedBackups(place, keks, time) : null;
    private (DateTimeOffset At, bool May)? _mayWrite;

    /// <summary>Whether this process may write its secrets folder; tried now and then.</summary>
    public bool MayWrite
    {
        get
        {
            var now = time.GetUtcNow();
            if (_mayWrite is not { } known || now - known.At > Remembered) _mayWrite = known = (now, Try());
            return known.May;
        }
    }

    public SlotFiles Files(RotatableClass rotated) =>
        new(settings.Secrets ?? throw new SecretFolderException("CARACAL_SECRETS_DIR is not set"), rotated);

    /// <summary>Why this process cannot rotate the class; null when it can.</summary>
    public string? Refusal(RotatableClass rotated, RegisteredKey? active, Convergence readers)
    {
        if (active is null) return "no key of it is registered";
        if (settings.Secrets is not { } folder) return "CARACAL_SECRETS_DIR is not set: its value comes from a variable";
        if (readers.Readers.FirstOrDefault(reader => reader.Classes[rotated.Id].Source == "env") is { } fixedReader)
        {
            return $"{fixedReader.Name} has it from a variable, which needs a restart";
        }

        try
        {
            var files = Files(rotated);
            if (files.Current is not { } current) return $"{folder} has no {rotated.FileName}";
            if (!MayWrite) return $"this process may not write {folder}";
            if (current != active.Sid) return $"{folder} holds {current}, but {active.Sid} is registered";
            if (files.Previous.Count >= MostPrevious) return $"{rotated.FileName}.previous holds {MostPrevious} values; retire one";
            return rotated.Id == KeyClass.ZoneKek && BackupTakenAt() is null
                ? "it needs a finished backup of the last day; ROTATION_SCHEDULE_BACKUPS names none that this process can read"
                : null;
        }
        catch (Exception fault) when (IsOfFiles(fault))
        {
            return fault.Message;
        }
    }

    /// <summary>When the newest finished backup was taken; null when there is none.</summary>
    public DateTimeOffset? BackupTakenAt() => backups?.NewestTakenAt();

    /// <summary>A fault of files, which says nothing about other classes.</summary>
    public static bool IsOfFiles(Exception fault) => fault is SecretFolderException or IOException or UnauthorizedAccessException;

    private bool Try()
    {
        if (settings.Secrets is not { } folder) return false;
        var probe = Path.Combine(folder, $".rotation.{Guid.CreateVersion7():N}.tmp");
        try
        {
            using (new FileStream(probe, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.DeleteOnClose })) { }
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
