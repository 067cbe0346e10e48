using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;
using Caracal.Storage.Workloads;

namespace Caracal.ControlPlane.Workloads;

/// <summary><c>POST …/workloads/{id}/rotate-secret</c>.</summary>
internal sealed class RotateWorkloadSecret(Changes changes, SecretCustody custody)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var rotation = SecretRotation.Read(call, ControlPlaneErrors.InvalidWorkload);
        if (rotation.Problem is { } problem) return problem;
        var secret = SecretMint.WorkloadSecret();
        return await changes.ConfigureAsync(call, async work =>
        {
            if (await WorkloadStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row) return ControlPlaneErrors.WorkloadNotFound;
            var until = await rotation.KeepAsync(work, call.ZoneId, SecretOwner.Workload(row.Id), row.SecretHash, call.Now);
            var changed = row with { SecretHash = SecretHash.Of(secret), UpdatedBy = call.Caller.Actor, UpdatedAt = call.Now };
            await WorkloadStore.UpdateAsync(work, changed);
            await custody.StoreAsync(work, call.ZoneId, SealedLocations.WorkloadSecret(call.ZoneId, row.Id), secret, call.Now);
            return Answer.Ok(WorkloadJson.WithSecret(changed, secret, until));
        });
    }
}
