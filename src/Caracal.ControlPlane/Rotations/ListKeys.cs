using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.ScheduledRotations;
using Caracal.Keys.Rotation;
using Caracal.Storage;
using Caracal.Storage.Instances;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary><c>GET /v1/operations/keys</c> and <c>/instances</c>: every class, who holds what, and how old it is (operations.md 4.9).</summary>
internal sealed class ListKeys(Database database, ScheduleSettings? schedule)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var (registered, facts, rolled, planned) = await database.ReadAsync(
            async connection => (
                await KeyRegistryStore.ListAsync(connection), await RotationFacts.ReadAsync(connection), await RotationStore.LastRolledAsync(connection),
                await RotationScheduleStore.ListAsync(connection)),
            call.Cancelled);
        return Answer.Ok(JsonRows.Object(writer => writer.Rows(
            "items", RotatableClass.Known.Where(known => registered.Any(key => key.Class == known.Id)), (rows, known) =>
            {
                Write(rows, known, [.. registered.Where(key => key.Class == known.Id)], facts, rolled, call.Now);
                WriteSchedule(rows, known, planned.FirstOrDefault(row => row.Class == known.Id));
            })));
    }

    public async Task<Answer> InstancesAsync(ApiCall call)
    {
        var rows = await database.ReadAsync(InstanceStore.ListAsync, call.Cancelled);
        return Answer.Ok(JsonRows.Object(writer => writer.Rows("items", rows, (item, row) =>
        {
            item.WriteString("service", row.Service);
            item.WriteString("instance", row.Instance);
            item.WriteString("version", row.Version);
            item.WriteString("mode", row.Mode);
            item.WriteString("address", row.Address);
            item.Time("started_at", row.StartedAt);
            item.Time("last_seen", row.LastSeen);
            item.Time("stopped_at", row.StoppedAt);
            item.WriteBoolean("live", row.StoppedAt is null && call.Now - row.LastSeen < InstanceKeys.LiveFor);
            item.Document("key_slots", row.KeySlots);
        })));
    }

    // Null where nothing is meant to rotate by itself; else when, or why not.
    private void WriteSchedule(Utf8JsonWriter writer, RotatableClass known, ScheduleRow? planned)
    {
        if (schedule is null || schedule.Schedule.Find(known.Id) is null && known.File is null)
        {
            writer.WriteNull("schedule");
            return;
        }

        var scheduled = schedule.Schedule.Find(known.Id);
        writer.WriteStartObject("schedule");
        writer.Number("max_age_seconds", scheduled is null ? null : (long)scheduled.MaximumAge.TotalSeconds);
        writer.WriteString("window", scheduled?.Window.ToString());
        writer.Time("due_at", planned?.DueAt);
        writer.Time("begins_at", planned?.BeginsAt);
        writer.WriteString("refusal", scheduled is null ? "it needs the administrator's way into the store" : planned is null ? "no API has looked yet" : planned.Refusal);
        writer.Time("stalled_since", planned?.StalledSince);
        writer.WriteString("detail", planned?.Detail);
        writer.WriteEndObject();
    }

    private static void Write(
        Utf8JsonWriter writer, RotatableClass known, IReadOnlyList<RegisteredKey> keys, RotationFacts facts,
        IReadOnlyDictionary<string, DateTimeOffset> rolled, DateTimeOffset now)
    {
        var active = keys.LastOrDefault(key => key.State == "active");
        var readers = new Convergence(known, facts.Instances, now).Readers;
        writer.WriteString("class", known.Id);
        writer.WriteNull("scope");
        writer.WriteString("current", active?.Sid);
        writer.WriteString("next", keys.LastOrDefault(key => key.State == "next")?.Sid);
        writer.Texts("previous", keys.Where(key => key.State == "previous").Select(key => key.Sid));
        writer.Number("age_days", active?.ActivatedAt is { } since ? (long)(now - since).TotalDays : null);
        writer.WriteNumber("max_age_days", known.MaximumAgeDays);
        writer.Time("last_rotation", rolled.TryGetValue(known.Id, out var at) ? at : null);
        writer.WriteStartObject("instances");
        writer.WriteNumber("live", readers.Count);
        writer.WriteNumber("in_sync", readers.Count(reader => reader.Classes[known.Id].Current == active?.Sid));
        writer.WriteEndObject();
    }
}
