using Caracal.ControlPlane.AdminAudit;
using Caracal.Evidence.Events;
using Caracal.Hosting.Logging;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Leadership;
using Caracal.Storage.Rotations;
using Caracal.Storage.ZoneKeys;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>
/// Rotates what reaches its age, in one elected process: announces, begins inside the window, goes on from wherever a rotation of
/// its own stands, and names who holds it up. A rotation that an operator began is the operator's, and nothing else begins meanwhile.
/// </summary>
internal sealed class RotationController(
    ScheduleSettings settings, Changes changes, DatabaseClock clock, ScheduledMaterial material, ScheduledRun run, ScheduledZoneKeys zoneKeys, ILogger log)
{
    private static readonly AdvisoryLock Leader = AdvisoryLock.Job(0x4341524130303036);

    // After a refusal to begin; a value is staged and taken back for each try.
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);

    private readonly LeaderLease lease = new(changes.Database, Leader, clock.Process, settings.Poll)
    {
        // One that may not write leads for a look at a time, over and over.
        Changed = leads =>
        {
            if (material.MayWrite) ServiceLog.LeadChanged(log, ControlPlaneSettings.Role, "rotation-schedule", leads);
        },
    };
    private readonly Dictionary<string, DateTimeOffset> notBefore = new(StringComparer.Ordinal);
    private readonly HashSet<string> told = new(StringComparer.Ordinal);

    public bool IsLeader => lease.IsLeader;

    /// <summary>Runs until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => lease.RunAsync(LeadAsync, cancellationToken);

    private async Task LeadAsync(CancellationToken term)
    {
        while (!term.IsCancellationRequested)
        {
            try
            {
                await LookAsync(term);
            }
            catch (Exception fault) when (fault is not OperationCanceledException || !term.IsCancellationRequested)
            {
                ServiceLog.JobFailed(log, fault, "rotation-schedule");
            }

            // A replica that may not write the files leads for one look at a time, so that one that may can take over.
            if (!material.MayWrite) return;
            await Task.Delay(settings.Poll, clock.Process, term);
        }
    }

    /// <summary>One look: plans every class, goes on with what is begun, or begins what is due.</summary>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        var now = clock.Now;
        var facts = await changes.Database.ReadAsync(ScheduleFacts.ReadAsync, cancellationToken);
        foreach (var gone in facts.Rows.Keys.Where(name => settings.Schedule.Find(name) is null)) await changes.Database.WriteAsync(WriteKind.Bookkeeping, work => RotationScheduleStore.ForgetAsync(work, gone), cancellationToken);
        var rows = new Dictionary<string, ScheduleRow>(StringComparer.Ordinal);
        foreach (var scheduled in settings.Schedule.Classes) rows[scheduled.Class] = await PlanAsync(scheduled, facts, now, cancellationToken);

        if (settings.Schedule.Find(KeyClass.ZoneSigning) is { } zones && zones.Window.Contains(now)) await zoneKeys.RunAsync(zones.MaximumAge, now, cancellationToken);
        if (!material.MayWrite) return;
        var unfinished = new HashSet<string>(StringComparer.Ordinal);
        foreach (var ended in facts.Newest.Where(rotation => ScheduledRun.IsOurs(rotation) && !RotationState.IsOpen(rotation.State)))
        {
            var outcome = await ForItsClassAsync(() => run.FinishAsync(ended, facts, now, cancellationToken));

            // What the last one has left behind goes before another begins.
            if (outcome.Lagging is not null || outcome.Again is not null) unfinished.Add(ended.Class);
            await NoteAsync(ended, rows.GetValueOrDefault(ended.Class), outcome, now, cancellationToken);
        }

        var open = facts.Newest.Where(rotation => RotationState.IsOpen(rotation.State)).ToList();
        if (open.FirstOrDefault(ScheduledRun.IsOurs) is { } ours) await GoOnAsync(ours, rows.GetValueOrDefault(ours.Class), facts, now, cancellationToken);
        else if (open.Count == 0) await BeginAsync([.. rows.Values.Where(row => !unfinished.Contains(row.Class))], facts, now, cancellationToken);
    }

    private async Task<ScheduleRow> PlanAsync(ScheduledClass scheduled, ScheduleFacts facts, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var before = facts.Rows.GetValueOrDefault(scheduled.Class);
        var last = facts.Last(scheduled.Class);
        var active = scheduled.Class == KeyClass.ZoneSigning ? await OldestZoneKeyAsync(cancellationToken) : facts.Active(scheduled.Class);
        var refusal = RotatableClass.Find(scheduled.Class) is not { } rotated ? null
            : last is not null && RotationState.IsOpen(last.State) ? null
            : material.Refusal(rotated, active, facts.Readers(rotated, now));
        var row = SchedulePlan.Of(scheduled, active, last, before, refusal, scheduled.Class == KeyClass.ZoneSigning ? TimeSpan.Zero : settings.Notice, now);
        if (refusal is not null && refusal != before?.Refusal && told.Add($"{scheduled.Class} {refusal}")) ScheduleLog.NotScheduled(log, scheduled.Class, refusal);
        var announces = row.AnnouncedSid is not null && row.AnnouncedSid != before?.AnnouncedSid && scheduled.Class != KeyClass.ZoneSigning;
        await PutAsync(row, before, announces, now, cancellationToken);
        if (announces) ScheduleLog.Announced(log, row.Class, row.AnnouncedSid!, row.DueAt, row.BeginsAt);
        return row;
    }

    // The announcement is an event of the ledger as well, so it reaches whoever follows a feed or an export.
    private async Task PutAsync(ScheduleRow row, ScheduleRow? before, bool announces, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (before is not null && row with { UpdatedAt = before.UpdatedAt } == before) return;
        await changes.Database.WriteAsync(
            WriteKind.Bookkeeping,
            async work =>
            {
                await RotationScheduleStore.PutAsync(work, row with { UpdatedAt = now });
                if (!announces) return;
                await changes.AnnounceAuditAsync(work, new AuditEvent
                {
                    ZoneId = "caracal.sys",
                    EventType = "key_rotation_announced",
                    RequestId = "schedule-" + Ids.New(),
                    Decision = "allow",
                    MetadataJson = AuditMetadata.Of(Announced(row)),
                    OccurredAt = now,
                });
            },
            cancellationToken);
    }

    private static IEnumerable<(string, string?)> Announced(ScheduleRow row) =>
        [("class", row.Class), ("sid", row.AnnouncedSid), ("begins_at", row.BeginsAt is { } begins ? Timestamps.Milliseconds(begins) : null)];

    private async Task<RegisteredKey?> OldestZoneKeyAsync(CancellationToken cancellationToken) =>
        await changes.Database.ReadAsync(ZoneKeyStore.OldestActiveAsync, cancellationToken) is { } since
            ? new RegisteredKey { Class = KeyClass.ZoneSigning, Sid = "zone", State = "active", ActivatedAt = since }
            : null;

    // Steps that need no waiting follow each other at once.
    private async Task GoOnAsync(RotationRow rotation, ScheduleRow? row, ScheduleFacts facts, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (notBefore.TryGetValue(rotation.Id, out var time) && time > now) return;
        var outcome = await ForItsClassAsync(() => run.StepAsync(rotation, settings.Schedule.Find(rotation.Class), facts, now, cancellationToken));
        if (outcome.Again is { } again) notBefore[rotation.Id] = again;
        await NoteAsync(rotation, row, outcome, now, cancellationToken);
        if (outcome.Lagging is null || rotation.State != RotationState.Prepared || rotation.UpdatedAt + settings.Patience > now) return;
        await ForItsClassAsync(() => run.AbortAsync(rotation, outcome.Lagging, cancellationToken));
    }

    // What is wrong with the files of one class holds up that class and no other.
    private static async Task<StepOutcome> ForItsClassAsync(Func<Task<StepOutcome>> step)
    {
        try
        {
            return await step();
        }
        catch (Exception fault) when (ScheduledMaterial.IsOfFiles(fault))
        {
            return new StepOutcome(false, fault.Message);
        }
    }

    // The first that is due and whose readers are all heard of; for the others nothing is staged yet, and the next look asks again.
    private async Task BeginAsync(IReadOnlyList<ScheduleRow> rows, ScheduleFacts facts, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var due = rows
            .Where(row => RotatableClass.Find(row.Class) is not null && SchedulePlan.Begins(row, settings.Schedule.Find(row.Class)!, now)
                && !(notBefore.TryGetValue(row.Class, out var time) && time > now))
            .OrderBy(row => row.DueAt);
        foreach (var row in due)
        {
            if (facts.Readers(RotatableClass.Find(row.Class)!, now).AllLive() is { Ok: false } silent)
            {
                if (row.Detail != silent.Detail) await StallAsync(row, silent.Detail, now, cancellationToken);
                continue;
            }

            var outcome = await ForItsClassAsync(() => run.BeginAsync(settings.Schedule.Find(row.Class)!, now, cancellationToken));
            if (outcome.Lagging is not { } lagging) return;
            notBefore[row.Class] = now + Pause;
            await StallAsync(row, lagging, now, cancellationToken);
            return;
        }
    }

    private async Task StallAsync(ScheduleRow row, string why, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await PutAsync(row with { StalledSince = row.StalledSince ?? now, Detail = why }, row, announces: false, now, cancellationToken);
        ScheduleLog.Stalled(log, row.Class, why);
    }

    // Who holds it up is kept where operators look, and told once when patience ends.
    private async Task NoteAsync(RotationRow rotation, ScheduleRow? row, StepOutcome outcome, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (row is null || outcome == default) return;
        var noted = outcome.Lagging is { } lagging
            ? row with { StalledSince = row.StalledSince ?? now, Detail = $"{rotation.Id} is {rotation.State}; {lagging}" }
            : row with { StalledSince = null, Detail = outcome.Again is { } again ? $"{rotation.Id} is {rotation.State} until {Timestamps.Milliseconds(again)}" : null };
        await PutAsync(noted, row, announces: false, now, cancellationToken);
        if (outcome.Lagging is null || noted.StalledSince + settings.Patience > now || !told.Add($"{rotation.Id} {rotation.State}")) return;
        ScheduleLog.Stalled(log, rotation.Class, noted.Detail!);
    }
}
