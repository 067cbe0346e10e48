using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.SubjectIssuers;

namespace Caracal.ControlPlane.SubjectIssuers;

/// <summary><c>GET …/subject-issuers</c> and <c>GET …/subject-issuers/{id}</c>.</summary>
internal sealed class ListSubjectIssuers(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var page = call.Page();
        if (page.Problem is not null) return page.Problem;
        var rows = await database.ReadAsync(connection => SubjectIssuerStore.ListAsync(connection, call.ZoneId, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), SubjectIssuerFields.Write);
    }

    public async Task<Answer> GetAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => SubjectIssuerStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null
            ? ControlPlaneErrors.SubjectIssuerNotFound
            : Answer.Ok(JsonRows.Object(writer => SubjectIssuerFields.Write(writer, row)));
    }
}
