using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.PolicySets;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.PolicySets;

/// <summary><c>POST …/policy-sets</c>: the set and its empty binding.</summary>
internal sealed class CreatePolicySet(Changes changes)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidBody);
        var name = fields.Text("name", 1, 512);
        var description = fields.NullableText("description", 0, 4096);
        if (fields.Problem() is { } problem) return problem;
        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
                var set = new PolicySetRow
                {
                    Id = Ids.New(),
                    ZoneId = call.ZoneId,
                    Name = name,
                    Description = description,
                    CreatedBy = call.Caller.Actor,
                    CreatedAt = call.Now,
                    UpdatedAt = call.Now,
                };
                await PolicySetStore.InsertAsync(work, set);
                return Answer.Created(set.Id, JsonRows.Object(writer => PolicySetJson.WriteNew(writer, set)));
            },
            ControlPlaneErrors.PolicySetNameConflict);
    }
}
