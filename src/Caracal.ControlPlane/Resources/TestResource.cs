using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Resources;

namespace Caracal.ControlPlane.Resources;

/// <summary><c>POST …/resources/{id}/test</c>: answers that no verification is made, never a result nobody measured.</summary>
internal sealed class TestResource(Database database, ControlResource control)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => ResourceStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null || (control.Is(row.Identifier) && !call.Caller.IsGlobal)
            ? ControlPlaneErrors.ResourceNotFound
            : ControlPlaneErrors.ResourceVerificationUnsupported;
    }
}
