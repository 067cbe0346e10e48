using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;
using Caracal.Storage.Applications;

namespace Caracal.ControlPlane.Applications;

/// <summary><c>POST …/applications/{id}/rotate-secret</c>.</summary>
internal sealed class RotateApplicationSecret(Changes changes, SecretCustody custody)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var rotation = SecretRotation.Read(call, ControlPlaneErrors.InvalidApplication);
        if (rotation.Problem is { } problem) return problem;
        var secret = SecretMint.ClientSecret();
        return await changes.ConfigureAsync(call, async work =>
        {
            if (await ApplicationStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row) return ControlPlaneErrors.ApplicationNotFound;
            var until = await rotation.KeepAsync(work, call.ZoneId, SecretOwner.Application(row.Id), row.ClientSecretHash, call.Now);
            var changed = row with { ClientSecretHash = SecretHash.Of(secret), UpdatedBy = call.Caller.Actor, UpdatedAt = call.Now };
            await ApplicationStore.UpdateAsync(work, changed);

            // A dynamic registration shows its secret once and has no copy in custody.
            if (row.RegistrationMethod == "managed")
            {
                await custody.StoreAsync(work, call.ZoneId, SealedLocations.ApplicationSecret(call.ZoneId, row.Id), secret, call.Now);
            }

            return Answer.Ok(ApplicationJson.WithSecret(changed, secret, until));
        });
    }
}
