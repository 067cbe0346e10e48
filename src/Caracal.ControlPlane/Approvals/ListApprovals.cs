using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.ApprovalDecisions;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.Approvals;

/// <summary><c>GET …/approvals</c>, one of them, and their counts (api.md 11.6).</summary>
internal sealed class ListApprovals(Database database)
{
    private static readonly string[] States = ["pending", "approved", "rejected", "expired", "consumed"];

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var filter = new ApprovalFilter(
            call.Query.OneOf("state", States),
            call.Query.Text("tier", 64),
            call.Query.Text("principal", 128),
            call.Query.Time("since"),
            call.Query.Time("until"));
        var page = call.Page();
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(
            connection => ApprovalDecisionStore.ListAsync(connection, call.ZoneId, filter, call.Now, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), ApprovalJson.At(call.Now));
    }

    public async Task<Answer> GetAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => ApprovalDecisionStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null
            ? ControlPlaneErrors.ApprovalNotFound
            : Answer.Ok(JsonRows.Object(writer => ApprovalJson.At(call.Now)(writer, row)));
    }

    public async Task<Answer> CountAsync(ApiCall call)
    {
        var counts = await database.ReadAsync(connection => ApprovalDecisionStore.CountAsync(connection, call.ZoneId, call.Now), call.Cancelled);
        return Answer.Ok(JsonRows.Object(writer =>
        {
            foreach (var state in States) writer.WriteNumber(state, counts.GetValueOrDefault(state));
        }));
    }
}
