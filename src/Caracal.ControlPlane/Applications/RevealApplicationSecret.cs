using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Sealing;
using Caracal.Storage;
using Caracal.Storage.Applications;

namespace Caracal.ControlPlane.Applications;

/// <summary><c>GET …/applications/{id}/client-secret</c>: managed applications only; audited before it is shown.</summary>
internal sealed class RevealApplicationSecret(Database database, SecretCustody custody)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => ApplicationStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        if (row is not { RegistrationMethod: "managed" }) return ControlPlaneErrors.ApplicationNotFound;
        return await custody.RevealAsync(
            call,
            SealedLocations.ApplicationSecret(call.ZoneId, row.Id),
            ControlPlaneErrors.ClientSecretNotStored,
            "client_secret",
            ("credential", "application_client_secret"),
            ("application_id", row.Id),
            ("application_name", row.Name));
    }
}
