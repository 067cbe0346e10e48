using System.Data.Common;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Platform;
using Caracal.Storage.Reencryption;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary>The gates of each step, judged on what is stored (operations.md 4.3, 4.5).</summary>
internal sealed class RotationGates(ControlPlaneSettings settings, ISqlDialect dialect)
{
    private static readonly TimeSpan SecondCount = TimeSpan.FromSeconds(60);

    /// <summary>Every gate of the step; those that only warn in an emergency are left out there.</summary>
    public async Task<IReadOnlyList<Gate>> OfAsync(
        DbConnection connection, RotationRow rotation, string to, IReadOnlyList<RotationCheck> checks, string? backup, DateTimeOffset now)
    {
        var rotated = RotatableClass.Find(rotation.Class)!;
        var readers = new Convergence(rotated, (await RotationFacts.ReadAsync(connection)).Instances, now);
        return to switch
        {
            RotationState.Deployed => [readers.AllLive(), readers.HoldsNext(rotation.ToSid)],
            RotationState.Rolled => [readers.SignsWith(rotation.ToSid, rotation.FromSid)],
            RotationState.Verified => [.. Verified(rotation, checks, now), .. await ResealedAsync(connection, rotation, TimeSpan.Zero, now), .. await SealedAsync(connection, rotation)],
            RotationState.Retired =>
            [
                .. await RetiredAsync(connection, rotation, readers, now),
                .. await ResealedAsync(connection, rotation, rotation.Emergency ? TimeSpan.Zero : SecondCount, now),
                .. await SealedAsync(connection, rotation),
                .. rotation.Class == KeyClass.ZoneKek && !rotation.Emergency ? (Gate[])[await BackupAsync(connection, rotation, backup)] : [],
            ],
            RotationState.RolledBack when rotation.FromSid is { } from => [readers.HoldsBoth(from, rotation.ToSid)],
            RotationState.Aborted => [readers.CanBeForgotten(rotation.ToSid)],
            _ => [],
        };
    }

    /// <summary>Gates of letting the new value of a rotation go that went back: what it signed or sealed needs it no more.</summary>
    public async Task<IReadOnlyList<Gate>> OfDrainAsync(DbConnection connection, RotationRow rotation, DateTimeOffset now)
    {
        var readers = new Convergence(RotatableClass.Find(rotation.Class)!, (await RotationFacts.ReadAsync(connection)).Instances, now);
        var gates = new List<Gate> { readers.AllLive(), readers.NobodySignsWith(rotation.ToSid) };
        if (rotation.Class == KeyClass.ZoneKek)
        {
            var left = await EnvelopeStore.CountOthersAsync(connection, settings.Keks.Current);
            var back = settings.Keks.Current.SecretId != rotation.ToSid;
            gates.Add(new Gate("zero_new_envelopes", back && left == 0, back ? $"{left} values are sealed with another key" : "the API still seals with it", 1));
        }

        if (rotation.Emergency) return gates;
        gates.Add(Gate.Time("overlap", rotation.EndedAt!.Value, TimeSpan.FromSeconds(rotation.OverlapSeconds), now));
        gates.AddRange(await DrainedAsync(connection, rotation, readers, rotation.EndedAt.Value));
        return gates;
    }

    /// <summary>The live readers by name, for evidence.</summary>
    public async Task<IReadOnlyList<string>> ReadersAsync(DbConnection connection, RotationRow rotation, DateTimeOffset now) =>
    [
        .. new Convergence(RotatableClass.Find(rotation.Class)!, (await RotationFacts.ReadAsync(connection)).Instances, now)
            .Readers.Select(reader => reader.Name),
    ];

    private List<Gate> Verified(RotationRow rotation, IReadOnlyList<RotationCheck> checks, DateTimeOffset now) =>
    [
        .. rotation.Emergency ? [] : (Gate[])[Gate.Time("soak", rotation.RolledAt!.Value, settings.RotationSoak, now)],
        .. checks.Select(check => new Gate(check.Id, check.Ok, check.Detail)),
    ];

    // Never bypassed: what is sealed with a key that is gone is gone.
    private async Task<IReadOnlyList<Gate>> ResealedAsync(DbConnection connection, RotationRow rotation, TimeSpan again, DateTimeOffset now)
    {
        if (rotation.Class != KeyClass.ZoneKek) return [];
        var left = await EnvelopeStore.CountOthersAsync(connection, settings.Keks.Current);
        var progress = await SweepProgressStore.ListAsync(connection, rotation.Id);
        var failures = await SweepProgressStore.FailuresAsync(connection, rotation.Id);
        var done = progress.Where(family => family.ZeroAt is not null).ToList();
        if (settings.Keks.Current.SecretId != rotation.ToSid || left > 0 || done.Count < EnvelopeFamily.All.Count)
        {
            var stuck = failures.Count > 0 ? $"; these do not open: {string.Join(", ", failures)}" : "";
            return [new Gate("zero_old_envelopes", false, $"{left} values are sealed with another key{stuck}", failures.Count > 0 ? null : 1)];
        }

        return [new Gate("zero_old_envelopes", true, "no value is sealed with another key"), Gate.Time("counted_twice", done.Max(family => family.ZeroAt!.Value), again, now)];
    }

    // Never bypassed: without its seals, rows of a key that is gone prove nothing. What was found in them does not go away
    // with time, so an emergency passes with it; it stays among the alerts.
    private static async Task<IReadOnlyList<Gate>> SealedAsync(DbConnection connection, RotationRow rotation)
    {
        if (rotation.Class != KeyClass.AuditHmac) return [];
        if (await EpochSeals.FindAsync(connection, rotation.Id) is not { } seals) return [new Gate("epochs_sealed", false, "Audit has not sealed every chain yet", 1)];
        return seals.Problems == 0 || rotation.Emergency
            ? [new Gate("epochs_sealed", true, $"{seals.Chains} chains are sealed")]
            : [new Gate("epochs_sealed", false, $"{seals.Problems} problems were found in the rows and seals; see the alerts of Audit")];
    }

    private static async Task<Gate> BackupAsync(DbConnection connection, RotationRow rotation, string? takenAt)
    {
        var swept = (await SweepProgressStore.ListAsync(connection, rotation.Id)).Max(family => family.ZeroAt);
        var fresh = takenAt is not null && Timestamps.TryParseUtc(takenAt, secondsOptional: true, out var taken) && taken > swept;
        return new Gate("backup_after_sweep", fresh, fresh ? "a backup was taken after the sweep" : "backup_taken_at names no backup that was taken after the sweep");
    }

    private async Task<IReadOnlyList<Gate>> RetiredAsync(DbConnection connection, RotationRow rotation, Convergence readers, DateTimeOffset now)
    {
        var gates = new List<Gate> { readers.AllLive() };
        if (rotation.FromSid is { } old) gates.Add(readers.NobodySignsWith(old));
        if (rotation.Emergency) return gates;
        gates.Add(Gate.Time("overlap", rotation.RolledAt!.Value, TimeSpan.FromSeconds(rotation.OverlapSeconds), now));
        gates.Add(Gate.Time("rollback_window", rotation.RolledAt.Value, TimeSpan.FromSeconds(rotation.RollbackWindowSeconds), now));
        gates.AddRange(await DrainedAsync(connection, rotation, readers, rotation.RolledAt.Value));
        return gates;
    }

    // What the value that goes may still be needed for; an emergency does not ask.
    private async Task<IReadOnlyList<Gate>> DrainedAsync(DbConnection connection, RotationRow rotation, Convergence readers, DateTimeOffset since)
    {
        if (RotatableClass.Find(rotation.Class)!.DrainsByUse) return [readers.PreviousUnused()];
        if (rotation.Class is not (KeyClass.AuditHmac or KeyClass.StreamsHmac)) return [];
        var outbox = await OutboxFigures.ReadAsync(connection, dialect);
        var old = outbox.OldestPending <= since || outbox.OldestDead <= since;
        var drained = new Gate("outbox_drained", !old, $"{outbox.Pending} pending, {outbox.Dead} dead rows in the outbox");
        return rotation.Class == KeyClass.StreamsHmac ? [drained, readers.NothingUnmatched()] : [drained];
    }
}
