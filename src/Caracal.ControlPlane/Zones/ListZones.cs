using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Zones;

/// <summary><c>GET /v1/zones</c>: unarchived, unreserved; an account sees its own.</summary>
internal sealed class ListZones(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var page = call.Page();
        if (page.Problem is not null) return page.Problem;
        var zones = await database.ReadAsync(connection => ZoneStore.ListAsync(connection, call.Caller.AccountId, page.Query), call.Cancelled);
        return Paging.List(zones, page.Query, zone => new Keyset(zone.CreatedAt, zone.Id), ZoneJson.Write);
    }
}
