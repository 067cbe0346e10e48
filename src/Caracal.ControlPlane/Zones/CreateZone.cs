using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Zones;

/// <summary><c>POST /v1/zones</c>.</summary>
internal sealed class CreateZone(Changes changes, ZoneCreation creation)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidZone);
        var name = ZoneCreation.Name(fields) ?? fields.Text("name", 1, 120);
        var slug = ZoneCreation.Slug(fields);
        var dcr = fields.Flag("dcr_enabled") ?? false;
        if (fields.Problem() is { } problem) return problem;
        if (!call.MayUse(ReservedNames.IsReservedName(name) || ReservedNames.IsReservedSlug(slug))) return ControlPlaneErrors.ReservedNamespace;

        return await changes.ApplyAsync(
            call,
            async work =>
            {
                var zone = await creation.InsertAsync(
                    work,
                    new ZoneRow
                    {
                        Id = Ids.New(),
                        Name = name,
                        DcrEnabled = dcr,
                        OperatorCoauthorBadge = true,
                        OwnerAccountId = call.Caller.AccountId,
                        CreatedBy = call.Caller.Actor,
                        CreatedAt = call.Now,
                        UpdatedAt = call.Now,
                    },
                    slug);
                return zone is null ? ControlPlaneErrors.ZoneSlugConflict : Answer.Created(zone.Id, ZoneJson.Of(zone));
            },
            ControlPlaneErrors.ZoneSlugConflict);
    }
}
