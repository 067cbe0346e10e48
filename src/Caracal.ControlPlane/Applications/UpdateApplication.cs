using Caracal.Authority.AdminAccess;
using Caracal.Authority.Applications;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Resources;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;
using Caracal.Storage.Applications;
using Caracal.Storage.Custody;

namespace Caracal.ControlPlane.Applications;

/// <summary><c>PATCH …/applications/{id}</c>.</summary>
internal sealed class UpdateApplication(Changes changes, SecretCustody custody, ControlResource control)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidApplication);
        var name = fields.OptionalText("name", 1, 200, trim: true);
        var secret = fields.OptionalText("client_secret", 32, 4096);
        if (secret is not null && !SecretRules.IsAcceptableClientSecret(secret)) fields.Note("client_secret", "must hold at least 10 different characters");
        var traits = fields.Texts("traits", 0, int.MaxValue, 0, int.MaxValue);
        if (fields.Problem() is { } problem) return problem;
        if (name is null && secret is null && traits is null) return ControlPlaneErrors.NoFields;
        if (traits is not null && TraitRules.Check(traits, call.Caller.IsGlobal) is { } refused) return refused;
        if (!call.MayUse(ReservedNames.IsReservedName(name))) return ControlPlaneErrors.ReservedNamespace;

        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (await ApplicationStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row) return ControlPlaneErrors.ApplicationNotFound;
                var managed = row.RegistrationMethod == "managed";
                if (name is not null && managed && await ApplicationStore.NameTakenAsync(work.Connection, call.ZoneId, name, row.Id))
                {
                    return ControlPlaneErrors.ApplicationNameTaken;
                }

                if (secret is not null && row.ClientSecretHash is null) return ControlPlaneErrors.ClientSecretNotConfigured;
                var changed = row with
                {
                    Name = name ?? row.Name,
                    ClientSecretHash = secret is null ? row.ClientSecretHash : SecretHash.Of(secret),
                    Traits = traits ?? row.Traits,
                    UpdatedBy = call.Caller.Actor,
                    UpdatedAt = call.Now,
                };
                await ApplicationStore.UpdateAsync(work, changed);
                if (secret is not null)
                {
                    await CredentialOverlapStore.RetireAllAsync(work, call.ZoneId, SecretOwner.Application(row.Id));
                    if (managed) await custody.StoreAsync(work, call.ZoneId, SealedLocations.ApplicationSecret(call.ZoneId, row.Id), secret, call.Now);
                }

                if (traits?.Contains(ControlResource.InvokeTrait) == true) await control.EnsureAsync(work, call);
                return Answer.Ok(ApplicationJson.Of(call, changed));
            },
            ControlPlaneErrors.ApplicationNameTaken);
    }
}
