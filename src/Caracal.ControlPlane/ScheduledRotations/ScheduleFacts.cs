using System.Data.Common;
using Caracal.ControlPlane.Rotations;
using Caracal.Keys.Rotation;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>What one look of the schedule goes by, read at one moment.</summary>
internal sealed record ScheduleFacts(
    IReadOnlyList<RegisteredKey> Keys, IReadOnlyList<RotationRow> Newest, RotationFacts Live, IReadOnlyDictionary<string, ScheduleRow> Rows)
{
    public static async Task<ScheduleFacts> ReadAsync(DbConnection connection) => new(
        await KeyRegistryStore.ListAsync(connection),
        await RotationStore.NewestAsync(connection),
        await RotationFacts.ReadAsync(connection),
        (await RotationScheduleStore.ListAsync(connection)).ToDictionary(row => row.Class, StringComparer.Ordinal));

    public RegisteredKey? Active(string classId) => Keys.LastOrDefault(key => key.Class == classId && key.Scope.Length == 0 && key.State == "active");

    /// <summary>The newest rotation of the class, open or ended.</summary>
    public RotationRow? Last(string classId) => Newest.FirstOrDefault(rotation => rotation.Class == classId && rotation.Scope.Length == 0);

    public Convergence Readers(RotatableClass rotated, DateTimeOffset now) => new(rotated, Live.Instances, now);
}
