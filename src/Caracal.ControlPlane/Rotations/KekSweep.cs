using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.Reencryption;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary>Re-encrypts the store once a new key-encryption key seals everywhere, or the old one again after a rollback (operations.md 4.6.1).</summary>
internal sealed class KekSweep(Database database, DatabaseClock clock, ControlPlaneSettings settings)
{
    /// <summary>How soon a roll is followed by its sweep.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private const int Remembered = 5;

    /// <summary>One look, and the whole sweep if there is something to do; another replica that sweeps already is left to it.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var rotations = await database.ReadAsync(
            connection => RotationStore.ListAsync(connection, KeyClass.ZoneKek, null, new PageQuery(Keyset.Top, Remembered)), cancellationToken);

        // One that went back may have been promoted before anybody called it rolled.
        if (rotations.FirstOrDefault(row => row.RolledAt is not null || RotationState.WentBack(row.State)) is not { } rotation) return;
        var isBack = RotationState.WentBack(rotation.State);

        // A ring that is not where the rotation is would seal with the wrong key.
        var wanted = isBack ? rotation.FromSid : rotation.ToSid;
        if (settings.Keks.Current.SecretId != wanted) return;
        var run = isBack ? rotation.Id + ":back" : rotation.Id;
        if (await IsDoneAsync(run, cancellationToken)) return;
        await new EnvelopeSweep(database, settings.Keks, clock.Process) { Rate = settings.ReencryptionRate }.RunAsync(run, cancellationToken);
    }

    private async Task<bool> IsDoneAsync(string run, CancellationToken cancellationToken)
    {
        var (progress, left) = await database.ReadAsync(
            async connection => (await SweepProgressStore.ListAsync(connection, run), await EnvelopeStore.CountOthersAsync(connection, settings.Keks.Current)),
            cancellationToken);
        return left == 0 && progress.Count == EnvelopeFamily.All.Count && progress.All(family => family.ZeroAt is not null);
    }
}
