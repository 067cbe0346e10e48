using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Grants;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.Grants;

/// <summary><c>GET …/grants</c> and <c>GET …/grants/{id}</c>.</summary>
internal sealed class ListGrants(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var filter = new GrantFilter(
            call.Query.Text("application_id", 128),
            call.Query.Text("user_id") ?? call.Query.Text("subject_id"),
            call.Query.Text("resource_id", 128),
            call.Query.Text("provider_id", 128),
            call.Query.OneOf("status", "active", "revoked", "expired"),
            call.Query.Texts("scopes", most: 64, maximum: 16_384));
        var page = call.Page();
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(
            connection => GrantStore.ListAsync(connection, database.Dialect, call.ZoneId, filter, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), GrantJson.WriteJoined);
    }

    public async Task<Answer> GetAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => GrantStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null ? ControlPlaneErrors.GrantNotFound : Answer.Ok(JsonRows.Object(writer => GrantJson.Write(writer, row)));
    }
}
