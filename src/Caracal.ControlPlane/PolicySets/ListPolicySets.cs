using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary><c>GET …/policy-sets</c> and <c>GET …/policy-sets/{id}</c>.</summary>
internal sealed class ListPolicySets(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var page = call.Page();
        if (page.Problem is not null) return page.Problem;
        var rows = await database.ReadAsync(connection => PolicySetStore.ListAsync(connection, call.ZoneId, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), PolicySetJson.Write);
    }

    public async Task<Answer> GetAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => PolicySetStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null
            ? ControlPlaneErrors.PolicySetNotFound
            : Answer.Ok(JsonRows.Object(writer => PolicySetJson.Write(writer, row)));
    }
}
