using System.Net;
using Caracal.ControlPlane.Rotations;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;
using Caracal.Storage;
using Caracal.Storage.Instances;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>V8 of operations.md 4.7 for tokens that open a door: during the overlap every value does, a retired one does not.</summary>
internal sealed class ScheduledDoors(InstanceProbes probes)
{
    /// <summary>Which instance refuses a value of the overlap; null when none does, or when the class opens no door of ours.</summary>
    public async Task<string?> ShutToAsync(RotatableClass rotated, IReadOnlyList<SecretText> values, ScheduleFacts facts, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var (instance, path) in Doors(rotated, facts, now))
        {
            foreach (var value in values)
            {
                if (await probes.StatusWithAsync(instance, path, value, cancellationToken) is var status and not HttpStatusCode.OK) return $"{instance.Name} answers {(int)status} to a value of the overlap";
            }
        }

        return null;
    }

    /// <summary>Which instance does not refuse a retired value; null when all do.</summary>
    public async Task<string?> OpenToAsync(RotatableClass rotated, SecretText value, ScheduleFacts facts, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var (instance, path) in Doors(rotated, facts, now))
        {
            if (await probes.StatusWithAsync(instance, path, value, cancellationToken) is var status and not HttpStatusCode.Unauthorized) return $"{instance.Name} answers {(int)status} to the retired value";
        }

        return null;
    }

    private static IEnumerable<(InstanceAddress Instance, string Path)> Doors(RotatableClass rotated, ScheduleFacts facts, DateTimeOffset now)
    {
        var path = rotated.Id switch
        {
            KeyClass.AdminToken => "/v1/operations/instances",
            KeyClass.MetricsBearer => "/metrics",
            _ => null,
        };
        if (path is null) return [];
        return facts.Readers(rotated, now).Readers
            .Where(reader => reader.Service != ConsoleHeartbeatStore.Service && (rotated.Id != KeyClass.AdminToken || reader.Service == ControlPlaneSettings.Role))
            .Select(reader => (new InstanceAddress(reader.Name, reader.Service, facts.Live.Addresses[reader.Name]), path));
    }
}
