using System.Text.RegularExpressions;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Resources;
using Caracal.Protocol;
using Caracal.Storage.Applications;
using Caracal.Storage.Grants;
using Caracal.Storage.Resources;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Grants;

/// <summary><c>POST …/grants</c>: a user lets an application use scopes of a resource.</summary>
internal sealed partial class CreateGrant(Changes changes, ControlResource control)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidBody);
        var applicationId = fields.Text("application_id", 1, 128);
        var userId = fields.Text("user_id", 1, 512);
        var resourceId = fields.Text("resource_id", 1, 128);
        var scopes = fields.Texts("scopes", 1, 64, 1, 200);
        if (scopes is null && !fields.Has("scopes")) fields.Note("scopes", "is required");
        if (scopes is not null && Array.Exists(scopes, scope => !Scope().IsMatch(scope))) fields.Note("scopes", "holds something that is not a scope");
        if (fields.Problem() is { } problem) return problem;

        return await changes.ApplyAsync(call, async work =>
        {
            if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
            var application = await ApplicationStore.FindAsync(work.Connection, call.ZoneId, applicationId);
            if (application is null || application.ExpiresAt <= call.Now) return ControlPlaneErrors.ApplicationNotFound;
            if (await ResourceStore.FindAsync(work.Connection, call.ZoneId, resourceId) is not { } resource) return ControlPlaneErrors.ResourceNotFound;
            if (control.Is(resource.Identifier)) return ControlPlaneErrors.ControlResourceNotGrantable;
            if (scopes!.Except(resource.Scopes, StringComparer.Ordinal).Any()) return ControlPlaneErrors.GrantScopesExceedResource;
            var row = new GrantRow
            {
                Id = Ids.New(),
                ZoneId = call.ZoneId,
                ApplicationId = applicationId,
                UserId = userId,
                ResourceId = resourceId,
                Scopes = scopes!,
                Status = "active",
                CreatedBy = call.Caller.Actor,
                CreatedAt = call.Now,
                UpdatedAt = call.Now,
            };
            await GrantStore.InsertAsync(work, row);
            return Answer.Created(row.Id, JsonRows.Object(writer => GrantJson.Write(writer, row)));
        });
    }

    [GeneratedRegex("^[a-z0-9:_./-]{1,200}$", RegexOptions.CultureInvariant)]
    private static partial Regex Scope();
}
