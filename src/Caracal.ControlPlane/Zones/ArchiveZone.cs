using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.KillSwitch;
using Caracal.Storage.KillSwitch;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Zones;

/// <summary><c>DELETE /v1/zones/{zoneId}</c>: archives the zone and ends its live authority (README ruling 15).</summary>
internal sealed class ArchiveZone(Changes changes, EndAuthority endAuthority, ZoneAccess access)
{
    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
    {
        if (!await ZoneStore.ArchiveAsync(work, call.ZoneId, call.Caller.Actor, call.Now)) return ControlPlaneErrors.ZoneNotFound;
        await endAuthority.EndAsync(
            work,
            call.RequestId,
            call.ZoneId,
            await KillSwitchStore.RecordsOfZoneAsync(work, call.ZoneId),
            await KillSwitchStore.SessionsOfZoneAsync(work, call.ZoneId),
            "zone_archived",
            call.Now);
        work.OnCommitted(() => access.Forget(call.ZoneId));
        return Answer.NoContent;
    });
}
