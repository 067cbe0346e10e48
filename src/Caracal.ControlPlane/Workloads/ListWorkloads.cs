using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.Workloads;

namespace Caracal.ControlPlane.Workloads;

/// <summary><c>GET …/workloads</c> and <c>GET …/workloads/{id}</c>.</summary>
internal sealed class ListWorkloads(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var page = call.Page();
        if (page.Problem is not null) return page.Problem;
        var rows = await database.ReadAsync(connection => WorkloadStore.ListAsync(connection, call.ZoneId, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), WorkloadJson.Write);
    }

    public async Task<Answer> GetAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => WorkloadStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null ? ControlPlaneErrors.WorkloadNotFound : Answer.Ok(WorkloadJson.Of(row));
    }
}
