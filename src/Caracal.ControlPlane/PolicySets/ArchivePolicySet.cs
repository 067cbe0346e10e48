using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary><c>DELETE …/policy-sets/{id}</c>: an active set stops deciding at once; without one the STS denies all.</summary>
internal sealed class ArchivePolicySet(Changes changes)
{
    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
    {
        await work.LockAsync(call.ZoneId);
        if (await PolicySetStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } set) return ControlPlaneErrors.PolicySetNotFound;
        await PolicySetStore.ArchiveAsync(work, call.ZoneId, set.Id, call.Caller.Actor, call.Now);
        if (set.ActiveVersionId is not null)
        {
            await changes.AnnounceAsync(work, call.RequestId, Topics.PolicyInvalidate, ("zone_id", call.ZoneId), ("policy_set_id", set.Id));
        }

        return Answer.NoContent;
    });
}
