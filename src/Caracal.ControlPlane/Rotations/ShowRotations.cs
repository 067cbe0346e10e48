using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary><c>GET /v1/operations/rotations[/{id}[/evidence]]</c>.</summary>
internal sealed class ShowRotations(Database database)
{
    public async Task<Answer> ListAsync(ApiCall call)
    {
        var classId = call.Query.Text("class", 64);
        var state = call.Query.OneOf("state", "prepared", "deployed", "rolled", "verified", "retired", "rolled_back", "aborted");
        var page = call.Page(50, 200);
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(connection => RotationStore.ListAsync(connection, classId, state, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), RotationJson.Write);
    }

    public async Task<Answer> GetAsync(ApiCall call) =>
        await database.ReadAsync(connection => RotationStore.FindAsync(connection, call.Id), call.Cancelled) is { } rotation
            ? RotationJson.Of(rotation)
            : ControlPlaneErrors.RotationNotFound;

    public async Task<Answer> EvidenceAsync(ApiCall call)
    {
        var lines = await database.ReadAsync(connection => RotationEventStore.LinesAsync(connection, call.Id), call.Cancelled);
        return lines.Count == 0 ? ControlPlaneErrors.RotationNotFound : Answer.OfLines(lines);
    }
}
