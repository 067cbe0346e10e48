using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Zones;

/// <summary><c>GET /v1/zones/{zoneId}</c>; an archived zone is not found.</summary>
internal sealed class GetZone(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var zone = await database.ReadAsync(connection => ZoneStore.FindAsync(connection, call.ZoneId), call.Cancelled);
        return zone is null ? ControlPlaneErrors.ZoneNotFound : Answer.Ok(ZoneJson.Of(zone));
    }
}
