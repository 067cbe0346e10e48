using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Sealing;
using Caracal.Storage.Custody;
using Caracal.Storage.Workloads;

namespace Caracal.ControlPlane.Workloads;

/// <summary><c>DELETE …/workloads/{id}</c>: a hard delete, its sealed secret included.</summary>
internal sealed class DeleteWorkload(Changes changes)
{
    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
    {
        if (!await WorkloadStore.DeleteAsync(work, call.ZoneId, call.Id)) return ControlPlaneErrors.WorkloadNotFound;
        await CustodyStore.DeleteAsync(work, call.ZoneId, SealedLocations.WorkloadSecret(call.ZoneId, call.Id));
        await CredentialOverlapStore.RetireAllAsync(work, call.ZoneId, SecretOwner.Workload(call.Id));
        return Answer.NoContent;
    });
}
