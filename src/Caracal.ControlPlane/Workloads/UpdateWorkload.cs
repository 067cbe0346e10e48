using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Workloads;

namespace Caracal.ControlPlane.Workloads;

/// <summary><c>PUT …/workloads/{id}</c>.</summary>
internal sealed class UpdateWorkload(Changes changes)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidWorkload);
        var name = fields.OptionalText("name", 1, 200, trim: true);
        var (bindings, refusal) = Bindings.Read(fields);
        if (fields.Problem() is { } problem) return problem;
        if (refusal is not null) return refusal;
        if (name is null && bindings is null) return ControlPlaneErrors.NoFields;
        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (await WorkloadStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row) return ControlPlaneErrors.WorkloadNotFound;
                var changed = row with
                {
                    Name = name ?? row.Name,
                    Bindings = bindings ?? row.Bindings,
                    UpdatedBy = call.Caller.Actor,
                    UpdatedAt = call.Now,
                };
                await WorkloadStore.UpdateAsync(work, changed);
                return Answer.Ok(WorkloadJson.Of(changed));
            },
            ControlPlaneErrors.WorkloadNameTaken);
    }
}
