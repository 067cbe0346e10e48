using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.Policies;

namespace Caracal.ControlPlane.Policies;

/// <summary><c>GET …/policies</c>.</summary>
internal sealed class ListPolicies(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var page = call.Page();
        if (page.Problem is not null) return page.Problem;
        var rows = await database.ReadAsync(connection => PolicyStore.ListAsync(connection, call.ZoneId, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), PolicyJson.Write);
    }
}
