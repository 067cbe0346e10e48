using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.AdminTokens;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.AdminTokens;

/// <summary><c>POST /v1/admin-tokens</c>: the value is shown once.</summary>
internal sealed class CreateAdminToken(Changes changes)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        if (ManageAdminTokens.Check(call.Caller) is { } refused) return refused;
        var fields = call.Strict(ControlPlaneErrors.InvalidAdminTokenRequest);
        var name = fields.Text("name", 1, 120, trim: true);
        var scope = fields.OneOf("scope", "global", "zone");
        if (scope is null && !fields.Has("scope")) fields.Note("scope", "is required");
        var zoneId = fields.NullableText("zone_id", 1, 128);
        var capability = fields.OneOf("capability", "read", "write", "approve") ?? "write";
        if (fields.Problem() is { } problem) return problem;
        if (scope == "zone" && zoneId is null) return ControlPlaneErrors.ZoneIdRequired;
        if (scope == "global" && zoneId is not null) return ControlPlaneErrors.ZoneIdNotAllowedForGlobal;

        return await changes.ApplyAsync(call, async work =>
        {
            if (zoneId is not null && !await ZoneStore.ExistsAsync(work.Connection, zoneId)) return ControlPlaneErrors.ZoneNotFound;
            var minted = MintedAdminToken.New(name, capability, zoneId, call.Caller.Actor, call.Now);
            await AdminTokenStore.InsertAsync(work, minted.Row);
            return Answer.Created(minted.Row.Id, JsonRows.Object(writer =>
            {
                AdminTokenJson.WriteNew(writer, minted.Row);
                writer.WriteString("token", minted.Token);
            }));
        });
    }
}
