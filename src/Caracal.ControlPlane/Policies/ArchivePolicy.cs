using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Policies;

namespace Caracal.ControlPlane.Policies;

/// <summary><c>DELETE …/policies/{id}</c>: its versions stay, because active manifests may name them.</summary>
internal sealed class ArchivePolicy(Changes changes)
{
    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
        await PolicyStore.ArchiveAsync(work, call.ZoneId, call.Id, call.Caller.Actor, call.Now)
            ? Answer.NoContent
            : ControlPlaneErrors.PolicyNotFound);
}
