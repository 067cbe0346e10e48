using System.Text.Json.Nodes;
using Caracal.ControlPlane.ZoneKeys;
using Caracal.Storage;
using Caracal.Storage.ZoneKeys;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>
/// Rotates the signing keys of zones that are due and retires those whose overlap has passed, through the routes' own handlers:
/// a new key is published before it signs, and the STS activates it (operations.md 4.6.2).
/// </summary>
internal sealed class ScheduledZoneKeys(RotateZoneKey rotate, RetireZoneKey retire, ScheduleCalls calls, Database database, ILogger log)
{
    private const int AtOnce = 20;

    /// <summary>One look; only inside the window.</summary>
    public async Task RunAsync(TimeSpan maximumAge, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (due, leaving) = await database.ReadAsync(
            async connection => (
                await ZoneKeyStore.DueAsync(connection, now - maximumAge, AtOnce),
                await ZoneKeyStore.OverlapPassedAsync(connection, now - ZoneKeyRotation.Overlap, AtOnce)),
            cancellationToken);
        foreach (var (zone, key) in leaving)
        {
            var call = calls.Post($"/v1/zones/{zone}/keys/{key}/retire", new JsonObject { ["reason"] = "its overlap has passed" }, cancellationToken, ("zoneId", zone), ("kid", key));
            ScheduleLog.Zone(log, "retirement", zone, Result(ScheduleAnswer.Of(await retire.HandleAsync(call)), key));
        }

        foreach (var (zone, key) in due)
        {
            if (!await IsStillDueAsync(zone, key, cancellationToken)) continue;
            var call = calls.Post($"/v1/zones/{zone}/keys/rotate", new JsonObject { ["reason"] = "its age reached that of the schedule" }, cancellationToken, ("zoneId", zone));
            ScheduleLog.Zone(log, "rotation", zone, Result(ScheduleAnswer.Of(await rotate.HandleAsync(call)), key));
        }
    }

    // An operator, or another leader, may have rotated it since this look began.
    private async Task<bool> IsStillDueAsync(string zone, string key, CancellationToken cancellationToken)
    {
        var keys = await database.ReadAsync(connection => ZoneKeyStore.ListAsync(connection, zone), cancellationToken);
        return keys.Where(known => known.IsPublished).ToList() is [{ State: "active" } only] && only.Id == key;
    }

    private static string Result(ScheduleAnswer answer, string key) => answer.Succeeded ? $"{key} is replaced" : answer.Reason;
}
