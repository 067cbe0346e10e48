using System.Data.Common;
using Caracal.Keys.Rotation;
using Caracal.Storage.Instances;

namespace Caracal.ControlPlane.Rotations;

/// <summary>Who lives and what it holds, as the gates look at it.</summary>
internal sealed record RotationFacts(IReadOnlyList<InstanceKeys> Instances, IReadOnlyDictionary<string, string?> Addresses)
{
    /// <summary>
    /// Who may be asked how it is. A console has no address here: nothing secret goes where a holder of its token says.
    /// </summary>
    public IReadOnlyList<InstanceAddress> Reachable(DateTimeOffset now) =>
    [
        .. Instances.Where(instance => instance.IsLive(now) && instance.Service != ConsoleHeartbeatStore.Service)
            .Select(instance => new InstanceAddress(instance.Name, instance.Service, Addresses[instance.Name])),
    ];

    public static async Task<RotationFacts> ReadAsync(DbConnection connection)
    {
        var rows = await InstanceStore.ListAsync(connection);
        var instances = rows
            .Select(row => InstanceKeys.Of(row.Service, row.Instance, row.LastSeen, row.StoppedAt is not null, row.KeySlots.Value ?? "{}")).ToList();
        return new RotationFacts(instances, rows.ToDictionary(row => $"{row.Service}/{row.Instance}", row => row.Address, StringComparer.Ordinal));
    }
}
