using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Workloads;

namespace Caracal.ControlPlane.Workloads;

/// <summary><c>POST …/workloads/{id}/retire-secret</c>.</summary>
internal sealed class RetireWorkloadSecret(Changes changes)
{
    public Task<Answer> HandleAsync(ApiCall call) => RetireSecret.HandleAsync(
        call,
        changes,
        SecretOwner.Workload(call.Id),
        ControlPlaneErrors.InvalidWorkload,
        async work => await WorkloadStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not null,
        ControlPlaneErrors.WorkloadNotFound);
}
