using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Applications;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Zones;

/// <summary><c>PATCH /v1/zones/{zoneId}</c>; switching DCR off asks what becomes of its live applications.</summary>
internal sealed class UpdateZone(Changes changes, DcrShutdown shutdown, ZoneAccess access)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidZone);
        var name = ZoneCreation.Name(fields);
        var slug = ZoneCreation.Slug(fields);
        var dcr = fields.Flag("dcr_enabled");
        var mode = fields.OneOf("dcr_shutdown", DcrShutdown.KeepLive, DcrShutdown.RevokeLive);
        var badge = fields.Flag("operator_coauthor_badge");
        var governed = fields.Flag("operator_governed");
        if (fields.Problem() is { } problem) return problem;
        if (name is null && slug is null && dcr is null && mode is null && badge is null && governed is null) return ControlPlaneErrors.NoFields;
        if (mode is not null && dcr != false) return ControlPlaneErrors.DcrShutdownNotApplicable;
        if (!call.MayUse(ReservedNames.IsReservedName(name) || ReservedNames.IsReservedSlug(slug))) return ControlPlaneErrors.ReservedNamespace;

        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (await ZoneStore.FindAsync(work.Connection, call.ZoneId) is not { } zone) return ControlPlaneErrors.ZoneNotFound;
                if (slug is not null && await ZoneStore.SlugTakenAsync(work.Connection, slug, zone.Id)) return ControlPlaneErrors.ZoneSlugConflict;
                if (dcr == false && await shutdown.RunAsync(work, call, zone.DcrEnabled, mode) is { } refusal) return refusal;
                var changed = zone with
                {
                    Name = name ?? zone.Name,
                    Slug = slug ?? zone.Slug,
                    DcrEnabled = dcr ?? zone.DcrEnabled,
                    OperatorCoauthorBadge = badge ?? zone.OperatorCoauthorBadge,
                    OperatorGoverned = governed ?? zone.OperatorGoverned,
                    UpdatedBy = call.Caller.Actor,
                    UpdatedAt = call.Now,
                };
                await ZoneStore.UpdateAsync(work, changed);
                work.OnCommitted(() => access.Forget(zone.Id));
                return Answer.Ok(ZoneJson.Of(changed));
            },
            ControlPlaneErrors.ZoneSlugConflict);
    }
}
