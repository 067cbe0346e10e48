using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Applications;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.Applications;

/// <summary><c>GET …/applications?status=active|archived</c>.</summary>
internal sealed class ListApplications(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var archived = call.Query.OneOf("status", "active", "archived") == "archived";
        var page = call.Page();
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(
            connection => ApplicationStore.ListAsync(connection, call.ZoneId, archived, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), ApplicationJson.Row(call));
    }
}
