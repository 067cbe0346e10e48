using Caracal.Authority.AdminAccess;
using Caracal.Authority.Applications;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Resources;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage.Applications;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Applications;

/// <summary><c>POST …/applications</c>: the secret is shown here and kept sealed.</summary>
internal sealed class CreateApplication(Changes changes, SecretCustody custody, ControlResource control)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidApplication);
        var name = fields.Text("name", 1, 200, trim: true);
        if (fields.OneOf("registration_method", "managed") is null) fields.Note("registration_method", "must be managed");
        var traits = fields.Texts("traits", 0, int.MaxValue, 0, int.MaxValue) ?? [];
        if (fields.Problem() is { } problem) return problem;
        if (TraitRules.Check(traits, call.Caller.IsGlobal) is { } refused) return refused;
        if (!call.MayUse(ReservedNames.IsReservedName(name))) return ControlPlaneErrors.ReservedNamespace;

        var secret = SecretMint.ClientSecret();
        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
                if (await ApplicationStore.NameTakenAsync(work.Connection, call.ZoneId, name, "")) return ControlPlaneErrors.ApplicationNameTaken;
                var row = new ApplicationRow
                {
                    Id = Ids.New(),
                    ZoneId = call.ZoneId,
                    Name = name,
                    RegistrationMethod = "managed",
                    ClientSecretHash = SecretHash.Of(secret),
                    Traits = traits,
                    CreatedBy = call.Caller.Actor,
                    CreatedAt = call.Now,
                    UpdatedAt = call.Now,
                };
                await ApplicationStore.InsertAsync(work, row);
                await custody.StoreAsync(work, call.ZoneId, SealedLocations.ApplicationSecret(call.ZoneId, row.Id), secret, call.Now);
                if (traits.Contains(ControlResource.InvokeTrait)) await control.EnsureAsync(work, call);
                return Answer.Created(row.Id, ApplicationJson.WithSecret(row, secret));
            },
            ControlPlaneErrors.ApplicationNameTaken);
    }
}
