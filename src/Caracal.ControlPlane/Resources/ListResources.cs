using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.Resources;

namespace Caracal.ControlPlane.Resources;

/// <summary><c>GET …/resources?status=active|archived</c>; the Control resource shows to global callers only.</summary>
internal sealed class ListResources(Database database, ControlResource control)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var archived = call.Query.OneOf("status", "active", "archived") == "archived";
        var page = call.Page();
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var hidden = call.Caller.IsGlobal ? null : control.Identifier;
        var rows = await database.ReadAsync(
            connection => ResourceStore.ListAsync(connection, call.ZoneId, archived, hidden, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), ResourceJson.Write);
    }
}
