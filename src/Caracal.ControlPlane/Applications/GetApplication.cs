using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Applications;

namespace Caracal.ControlPlane.Applications;

/// <summary><c>GET …/applications/{id}</c>; an archived one is not found.</summary>
internal sealed class GetApplication(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => ApplicationStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null ? ControlPlaneErrors.ApplicationNotFound : Answer.Ok(ApplicationJson.Of(call, row));
    }
}
