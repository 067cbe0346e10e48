using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.AdminTokens;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.AdminTokens;

/// <summary><c>GET /v1/admin-tokens</c>.</summary>
internal sealed class ListAdminTokens(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        if (ManageAdminTokens.Check(call.Caller) is { } refused) return refused;
        var page = call.Page();
        if (page.Problem is not null) return page.Problem;
        var rows = await database.ReadAsync(connection => AdminTokenStore.ListAsync(connection, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), AdminTokenJson.Write);
    }
}
