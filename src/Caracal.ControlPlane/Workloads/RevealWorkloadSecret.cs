using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Sealing;
using Caracal.Storage;
using Caracal.Storage.Workloads;

namespace Caracal.ControlPlane.Workloads;

/// <summary><c>GET …/workloads/{id}/secret</c>; audited before it is shown.</summary>
internal sealed class RevealWorkloadSecret(Database database, SecretCustody custody)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => WorkloadStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        if (row is null) return ControlPlaneErrors.WorkloadNotFound;
        return await custody.RevealAsync(
            call,
            SealedLocations.WorkloadSecret(call.ZoneId, row.Id),
            ControlPlaneErrors.WorkloadSecretNotStored,
            "secret",
            ("credential", "workload_secret"),
            ("workload_id", row.Id),
            ("workload_name", row.Name));
    }
}
