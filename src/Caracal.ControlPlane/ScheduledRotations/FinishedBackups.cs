using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Keys.Backups;
using Caracal.Keys.Rings;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>
/// Backups as <c>caracal backup</c> writes them: each counts only when all of it opens with a KEK that is here, and by the
/// time that it states itself, which nobody can change without that key. Each is read once.
/// </summary>
/// <param name="place">A bundle, or a folder of them.</param>
/// <param name="keks">What they are sealed with.</param>
/// <param name="time">A bundle of the future is none.</param>
internal sealed class FinishedBackups(string place, KekRing keks, TimeProvider time)
{
    private const string Unfinished = ".unfinished";
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    private Dictionary<(string Path, long Bytes, DateTime Written), bool> read = [];

    /// <summary>When the newest whole bundle was taken; null when there is none.</summary>
    public DateTimeOffset? NewestTakenAt()
    {
        var files = Directory.Exists(place) ? new DirectoryInfo(place).EnumerateFiles() : [new FileInfo(place)];
        var latest = time.GetUtcNow() + Skew;
        var stated = files.Where(file => file.Exists && !file.Name.EndsWith(Unfinished, StringComparison.Ordinal))
            .Select(file => (File: file, TakenAt: StatedBy(file)))
            .Where(bundle => bundle.TakenAt <= latest)
            .OrderByDescending(bundle => bundle.TakenAt).ToList();
        var kept = new Dictionary<(string, long, DateTime), bool>();
        foreach (var (file, _) in stated)
        {
            var key = (file.FullName, file.Length, file.LastWriteTimeUtc);
            if (read.TryGetValue(key, out var whole)) kept[key] = whole;
        }

        read = kept;
        foreach (var (file, takenAt) in stated)
        {
            var key = (file.FullName, file.Length, file.LastWriteTimeUtc);
            if (!read.TryGetValue(key, out var whole)) read[key] = whole = IsWhole(file);
            if (whole) return takenAt;
        }

        return null;
    }

    // Cheap, and believed only after the rest of the bundle was read.
    private static DateTimeOffset? StatedBy(FileInfo file)
    {
        try
        {
            using var source = file.OpenRead();
            var description = SealedArchive.Describe(source);
            return description["version"] is JsonValue && description["engine"] is JsonValue && description["kek_ids"] is JsonObject
                && description["taken_at"] is JsonValue value && value.TryGetValue<string>(out var text)
                && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var takenAt)
                ? takenAt
                : null;
        }
        catch (Exception fault) when (fault is SealedArchiveException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private bool IsWhole(FileInfo file)
    {
        try
        {
            using var source = file.OpenRead();
            using var archive = SealedArchive.Open(source, keks, out _);
            archive.CopyTo(Stream.Null);
            return true;
        }
        catch (Exception fault) when (fault is SealedArchiveException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
