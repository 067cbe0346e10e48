using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Workloads;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Workloads;

/// <summary><c>POST …/workloads</c>.</summary>
internal sealed class CreateWorkload(Changes changes, SecretCustody custody)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidWorkload);
        var name = fields.Text("name", 1, 200, trim: true);
        if (fields.Problem() is { } problem) return problem;
        var secret = SecretMint.WorkloadSecret();
        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
                var row = new WorkloadRow
                {
                    Id = Ids.New(),
                    ZoneId = call.ZoneId,
                    Name = name,
                    SecretHash = SecretHash.Of(secret),
                    Bindings = new JsonText("[]"),
                    CreatedBy = call.Caller.Actor,
                    CreatedAt = call.Now,
                };
                await WorkloadStore.InsertAsync(work, row);
                await custody.StoreAsync(work, call.ZoneId, SealedLocations.WorkloadSecret(call.ZoneId, row.Id), secret, call.Now);
                return Answer.Created(row.Id, WorkloadJson.WithSecret(row, secret));
            },
            ControlPlaneErrors.WorkloadNameTaken);
    }
}
