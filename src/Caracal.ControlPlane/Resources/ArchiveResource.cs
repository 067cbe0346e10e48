using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Resources;

namespace Caracal.ControlPlane.Resources;

/// <summary><c>DELETE …/resources/{id}</c>; the Control resource stays.</summary>
internal sealed class ArchiveResource(Changes changes, ControlResource control)
{
    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
    {
        if (await ResourceStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row) return ControlPlaneErrors.ResourceNotFound;
        if (control.Is(row.Identifier)) return ControlPlaneErrors.ProtectedResource;
        await ResourceStore.ArchiveAsync(work, call.ZoneId, call.Id, call.Caller.Actor, call.Now);
        return Answer.NoContent;
    });
}
