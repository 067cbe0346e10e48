namespace Caracal.Cli.Drills;

/// <summary>Every drill there is besides the restore, in the order in which <c>caracal drill all</c> runs them (operations.md 10).</summary>
internal static class DrillList
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        StoreDrills.Redis, StoreDrills.Postgres, LineDrills.GatewaySts, LineDrills.AuditPaused, LineDrills.DelayedRevocation,
        PolicyDrill.Bad, KeyDrills.WrongStreamsKey, KeyDrills.LostKek, CertificateDrill.Expired,
    ];

    public static Drill? Find(string name) => All.FirstOrDefault(drill => drill.Name == name);
}
