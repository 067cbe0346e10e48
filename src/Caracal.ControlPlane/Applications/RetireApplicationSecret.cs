using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Applications;

namespace Caracal.ControlPlane.Applications;

/// <summary><c>POST …/applications/{id}/retire-secret</c>.</summary>
internal sealed class RetireApplicationSecret(Changes changes)
{
    public Task<Answer> HandleAsync(ApiCall call) => RetireSecret.HandleAsync(
        call,
        changes,
        SecretOwner.Application(call.Id),
        ControlPlaneErrors.InvalidApplication,
        async work => await ApplicationStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not null,
        ControlPlaneErrors.ApplicationNotFound);
}
