using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.Applications;

/// <summary><c>DELETE …/applications/{id}</c>.</summary>
internal sealed class ArchiveApplication(Changes changes, ApplicationArchive archive)
{
    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
        await archive.ArchiveAsync(work, call.RequestId, call.ZoneId, call.Id, call.Caller.Actor, call.Now)
            ? Answer.NoContent
            : ControlPlaneErrors.ApplicationNotFound);
}
