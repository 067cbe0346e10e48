using Caracal.Authority.ProviderCredentials;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.ProviderCredentials;
using Caracal.Keys.Sealing;
using Caracal.Storage.Custody;
using Caracal.Storage.ProviderCredentials;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.Providers;

/// <summary><c>DELETE …/providers/{id}</c>: archives the row and drops its sealed document.</summary>
internal sealed class ArchiveProvider(Changes changes)
{
    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
    {
        if (!await ProviderStore.ArchiveAsync(work, call.ZoneId, call.Id, call.Caller.Actor, call.Now)) return ControlPlaneErrors.ProviderNotFound;
        await CustodyStore.DeleteAsync(work, call.ZoneId, SealedLocations.ProviderSecret(call.ZoneId, call.Id));
        await CredentialSlots.ClearAsync(work, call.ZoneId, call.Id);
        if (await CredentialChangeStore.FindLatestAsync(work.Connection, call.ZoneId, call.Id) is { } open && CredentialChangeRules.IsOpen(open.State))
        {
            await CredentialChangeStore.UpdateAsync(
                work, open, EndCredentialChange.Ended(open, CredentialChangeRules.Discarded, "the provider was archived", call.Now));
        }

        return Answer.NoContent;
    });
}
