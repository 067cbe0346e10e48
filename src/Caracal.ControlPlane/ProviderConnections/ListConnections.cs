using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.ProviderConnections;

namespace Caracal.ControlPlane.ProviderConnections;

/// <summary><c>GET …/provider-connections</c>.</summary>
internal sealed class ListConnections(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var provider = call.Query.Text("provider_id", 128);
        var subject = call.Query.Text("subject_id");
        var status = call.Query.OneOf("status", "active", "revoked", "expired");
        var page = call.Page();
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(
            connection => ConnectionDirectory.ListAsync(connection, call.ZoneId, provider, subject, status, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), ConnectionJson.WriteListed);
    }
}
