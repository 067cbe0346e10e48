using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.Providers;

/// <summary><c>GET …/providers?status=active|archived</c>.</summary>
internal sealed class ListProviders(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var archived = call.Query.OneOf("status", "active", "archived") == "archived";
        var page = call.Page();
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(
            connection => ProviderStore.ListAsync(connection, call.ZoneId, archived, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), ProviderJson.Write);
    }
}
