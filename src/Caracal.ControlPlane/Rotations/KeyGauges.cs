using Caracal.ControlPlane.ScheduledRotations;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Storage;
using Caracal.Storage.Rotations;
using Caracal.Storage.ZoneKeys;

namespace Caracal.ControlPlane.Rotations;

/// <summary>Ages of keys and of rotations, read anew for every scrape: only the API sees the registry (operations.md 6.3).</summary>
internal sealed class KeyGauges
{
    private const string Age = "caracal_key_age_seconds";
    private const string MaximumAge = "caracal_key_max_age_seconds";

    private IReadOnlyList<(string Class, DateTimeOffset Since)> _keys = [];
    private IReadOnlyList<RotationRow> _open = [];
    private IReadOnlyList<ScheduleRow> _planned = [];
    private DateTimeOffset _now;

    public KeyGauges(MetricsRegistry metrics, ScheduleSettings? schedule)
    {
        metrics.Family(Age, "gauge", () => _keys.Select(key => (Labels(key.Class), Seconds(key.Since))));
        metrics.Family(MaximumAge, "gauge", () => _keys.Select(key => (Labels(key.Class), (schedule?.Schedule.Find(key.Class)?.MaximumAge ?? RotationSchedule.MaximumAgeOf(key.Class)).TotalSeconds)));
        metrics.Family("caracal_rotation_open_seconds", "gauge", () => _open.Select(row => (Labels(row.Class), Seconds(row.CreatedAt))));
        metrics.Family("caracal_rotation_begins_in_seconds", "gauge", () => _planned.Where(row => row.BeginsAt is not null).Select(row => (Labels(row.Class), -Seconds(row.BeginsAt!.Value))));
        metrics.Family("caracal_rotation_stalled_seconds", "gauge", () => _planned.Select(row => (Labels(row.Class), row.StalledSince is { } since ? Seconds(since) : 0)));
    }

    public async Task RefreshAsync(Database database, DatabaseClock clock, CancellationToken cancellationToken)
    {
        var (keys, zones, newest, planned) = await database.ReadAsync(
            async connection => (
                await KeyRegistryStore.ListAsync(connection), await ZoneKeyStore.OldestActiveAsync(connection), await RotationStore.NewestAsync(connection),
                await RotationScheduleStore.ListAsync(connection)),
            cancellationToken);
        _now = clock.Now;
        _keys =
        [
            .. keys.Where(key => key is { State: "active", ActivatedAt: not null }).GroupBy(key => key.Class, (name, of) => (name, of.Min(key => key.ActivatedAt!.Value))),
            .. zones is { } since ? ((string, DateTimeOffset)[])[(KeyClass.ZoneSigning, since)] : [],
        ];
        _open = [.. newest.Where(row => RotationState.IsOpen(row.State)).DistinctBy(row => row.Class)];
        _planned = planned;
    }

    private static string Labels(string classId) => $"class=\"{classId}\"";

    private double Seconds(DateTimeOffset since) => (_now - since).TotalSeconds;
}
