using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Rotations;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>How one step went.</summary>
/// <param name="Moved">It went on to its next state, or was finished.</param>
/// <param name="Lagging">Who or what holds it up; null when nothing but time does.</param>
/// <param name="Again">When time alone will open the gate.</param>
internal readonly record struct StepOutcome(bool Moved, string? Lagging = null, DateTimeOffset? Again = null);

/// <summary>
/// Takes one rotation of the schedule a step further: the files here, state and gates by the handlers every operator's call
/// reaches. Each step may be repeated, so another leader goes on where this one died (operations.md 4.3).
/// </summary>
internal sealed class ScheduledRun(
    RotationSteps steps, ScheduleCalls calls, ScheduledMaterial material, ScheduledDoors doors, ScheduleSettings settings, ControlPlaneSettings api, Changes changes)
{
    private const string Root = "/v1/operations/rotations";
    private const int LongestReason = 500;
    private readonly Dictionary<string, SecretText> gone = new(StringComparer.Ordinal);

    public static bool IsOurs(RotationRow rotation) => rotation.ActorTokenId == ScheduleCalls.TokenId;

    /// <summary>Stages a value and registers it; what is refused leaves no value behind.</summary>
    public async Task<StepOutcome> BeginAsync(ScheduledClass scheduled, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var files = material.Files(RotatableClass.Find(scheduled.Class)!);
        var sid = files.Stage(now);
        var body = new JsonObject
        {
            ["class"] = scheduled.Class,
            ["to_sid"] = sid,
            ["location"] = "file:" + files.NextPath,
            ["reason_kind"] = "scheduled",
            ["reason"] = string.Create(CultureInfo.InvariantCulture, $"its age reached the {scheduled.MaximumAge.TotalDays:0.##} days of the schedule"),
            ["actor"] = ScheduleCalls.Actor,
            ["rollback_window_seconds"] = (long)settings.RollbackWindow.TotalSeconds,
        };
        if (scheduled.Class == KeyClass.ZoneKek) body["backup_taken_at"] = BackupTime();
        var call = calls.Post(Root, body, cancellationToken);
        var refused = await steps.Prepare.HandleAsync(call);
        var answer = ScheduleAnswer.Of(refused);
        if (answer.Succeeded) return new StepOutcome(true);
        await changes.RecordAsync(call, refused);

        // Somebody else may have registered the very value that lay staged here.
        var open = await changes.Database.ReadAsync(connection => RotationStore.FindOpenAsync(connection, scheduled.Class, ""), cancellationToken);
        if (open?.ToSid != sid) files.Discard(sid);
        return new StepOutcome(false, answer.Reason);
    }

    /// <summary>One step of an open rotation.</summary>
    public async Task<StepOutcome> StepAsync(RotationRow rotation, ScheduledClass? scheduled, ScheduleFacts facts, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var rotated = RotatableClass.Find(rotation.Class)!;
        var files = material.Files(rotated);
        switch (rotation.State)
        {
            case RotationState.Prepared:
                return files.Next == rotation.ToSid || files.Current == rotation.ToSid
                    ? await AdvanceAsync(rotation, RotationState.Deployed, now, cancellationToken)
                    : new StepOutcome(false, $"{files.NextPath} does not hold {rotation.ToSid}");
            case RotationState.Deployed:
                // Its gate may have opened long ago, under another leader; whoever came since must know the key as well.
                if (files.Current != rotation.ToSid && facts.Readers(rotated, now).HoldsNext(rotation.ToSid) is { Ok: false } behind) return new StepOutcome(false, behind.Detail);

                // An operator may have ended it since this look began; what ends after this line is put back by FinishAsync.
                var current = await changes.Database.ReadAsync(connection => RotationStore.FindAsync(connection, rotation.Id), cancellationToken);
                if (current?.State != RotationState.Deployed) return default;
                files.Promote(rotation.ToSid);
                return await AdvanceAsync(rotation, RotationState.Rolled, now, cancellationToken);
            case RotationState.Rolled:
                // Every look at the checks asks every service, so it waits until time allows that they count.
                if (rotation.RolledAt + api.RotationSoak is { } soaked && soaked > now) return new StepOutcome(false, null, soaked);
                if (await doors.ShutToAsync(rotated, files.Secrets(), facts, now, cancellationToken) is { } shut) return new StepOutcome(false, $"V8: {shut}");
                return await AdvanceAsync(rotation, RotationState.Verified, now, cancellationToken);
            default:
                if (rotation.RetirableAt() is { } retirable && retirable > now) return new StepOutcome(false, null, retirable);
                if (scheduled is not null && !scheduled.Window.Contains(now)) return new StepOutcome(false, null, scheduled.Window.NextOpen(now));
                return await AdvanceAsync(rotation, RotationState.Retired, now, cancellationToken);
        }
    }

    /// <summary>What an ended rotation still has to do with the files here; moved when that was the last of it.</summary>
    public async Task<StepOutcome> FinishAsync(RotationRow rotation, ScheduleFacts facts, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var rotated = RotatableClass.Find(rotation.Class)!;
        var files = material.Files(rotated);
        switch (rotation.State)
        {
            case RotationState.RolledBack when files.Current == rotation.ToSid && rotation.FromSid is { } back:
                files.Restore(back);
                return new StepOutcome(true);
            case RotationState.Aborted when files.Current == rotation.ToSid && rotation.FromSid is { } kept && facts.Active(rotation.Class)?.Sid == kept:
                // It ended between the look and the promotion: services must not sign with what the registry calls retired.
                files.Restore(kept);
                files.Discard(rotation.ToSid);
                return new StepOutcome(true);
            case RotationState.Aborted when files.Previous.Contains(rotation.ToSid) && rotation.EndedAt!.Value.AddSeconds(rotation.OverlapSeconds) <= now:
                // What it signed in that moment has had its time.
                var drained = await AdvanceAsync(rotation, RotationState.Retired, now, cancellationToken);
                if (drained.Moved) files.Retire(rotation.ToSid);
                return drained;
            case RotationState.RolledBack or RotationState.Aborted when files.Next == rotation.ToSid:
                files.Discard(rotation.ToSid);
                return new StepOutcome(true);
            case RotationState.Retired when rotation.FromSid is { } old:
                return await LetGoAsync(rotation, old, rotated, files, facts, now, cancellationToken);
            default:
                return default;
        }
    }

    /// <summary>Gives up a rotation whose value nobody signs with, naming why.</summary>
    public async Task<StepOutcome> AbortAsync(RotationRow rotation, string reason, CancellationToken cancellationToken)
    {
        var words = $"given up by the schedule: {reason}";
        var body = new JsonObject { ["reason"] = words.Length <= LongestReason ? words : words[..LongestReason] };
        var answer = ScheduleAnswer.Of(await steps.End.AbortAsync(calls.Post($"{Root}/{rotation.Id}/abort", body, cancellationToken, ("id", rotation.Id))));
        if (!answer.Succeeded) return new StepOutcome(false, answer.Reason);
        material.Files(RotatableClass.Find(rotation.Class)!).Discard(rotation.ToSid);
        return new StepOutcome(true);
    }

    private async Task<StepOutcome> LetGoAsync(
        RotationRow rotation, string old, RotatableClass rotated, SlotFiles files, ScheduleFacts facts, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (facts.Keys.Any(key => key.Class == rotation.Class && key.Sid == old && key.State is not ("retired" or "compromised"))) return default;

        // The files decide: anybody may have had the checks run meanwhile, which says nothing about the value.
        if (files.Find(old) is { } value)
        {
            gone[old] = value;
            files.Retire(old);
        }
        else if (!gone.ContainsKey(old) && await LastEventAsync(rotation.Id, cancellationToken) != RotationState.Retired)
        {
            return default;
        }

        if (facts.Readers(rotated, now).NobodyHolds(old) is { Ok: false } held) return new StepOutcome(false, held.Detail);
        if (gone.TryGetValue(old, out var retired) && await doors.OpenToAsync(rotated, retired, facts, now, cancellationToken) is { } open) return new StepOutcome(false, $"V8: {open}");
        gone.Remove(old);
        await steps.Verify.HandleAsync(calls.Post($"{Root}/{rotation.Id}/verify", [], cancellationToken, ("id", rotation.Id)));
        return new StepOutcome(true);
    }

    private Task<string?> LastEventAsync(string id, CancellationToken cancellationToken) =>
        changes.Database.ReadAsync(connection => RotationEventStore.LastNameAsync(connection, id), cancellationToken);

    private async Task<StepOutcome> AdvanceAsync(RotationRow rotation, string to, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var body = new JsonObject { ["to"] = to };
        if (to == RotationState.Retired && rotation.Class == KeyClass.ZoneKek) body["backup_taken_at"] = BackupTime();
        var answer = ScheduleAnswer.Of(await steps.Advance.HandleAsync(calls.Post($"{Root}/{rotation.Id}/advance", body, cancellationToken, ("id", rotation.Id))));
        if (answer.Succeeded) return new StepOutcome(true);
        return answer.Failing.Count > 0 && answer.Failing.All(gate => gate.RetryAfterSeconds > 1)
            ? new StepOutcome(false, null, now.AddSeconds(answer.Failing.Max(gate => gate.RetryAfterSeconds!.Value)))
            : new StepOutcome(false, answer.Reason);
    }

    private string? BackupTime() => material.BackupTakenAt() is { } taken ? Timestamps.Milliseconds(taken) : null;
}
