using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Applications;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Zones;

/// <summary><c>GET /v1/zones/{zoneId}/dcr-status</c>.</summary>
internal sealed class GetDcrStatus(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var (zone, live) = await database.ReadSnapshotAsync(
            async connection => (
                await ZoneStore.FindAsync(connection, call.ZoneId),
                await ApplicationStore.CountLiveDcrAsync(connection, call.ZoneId, call.Now)),
            call.Cancelled);
        if (zone is null) return ControlPlaneErrors.ZoneNotFound;
        return Answer.Ok(JsonRows.Object(writer =>
        {
            writer.WriteString("id", zone.Id);
            writer.WriteBoolean("dcr_enabled", zone.DcrEnabled);
            writer.WriteNumber("live_dcr_applications", live);
        }));
    }
}
